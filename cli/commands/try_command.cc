// ride try: one picture through one task; no topology, no broker.
#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/terminal.h"
#include "common/file_text.h"
#include "common/json.h"
#include "common/suggest.h"
#include "common/text.h"
#include "plugin/describe.h"
#include "plugin/plugin_flag.h"
#include "process/own_programs.h"
#include "process/run_to_end.h"
#include "process/temp_folder.h"
#include "test_runner/try_report.h"
#include "worker/tasks/builtin_catalog.h"

namespace ride::cli {
namespace {

using test_runner::TryReport;

struct TryFlags {
  std::string task, picture, save;
  std::vector<std::string> params, plugins;
  bool json = false;
};

std::vector<std::string> param_names(const TaskDecl& task) {
  std::vector<std::string> names;
  for (const auto& spec : task.params) names.push_back(spec.name);
  return names;
}

// They travel as JSON.
Result<void> check_texts(const std::vector<std::string>& texts) {
  for (const auto& text : texts)
    for (std::size_t at = 0; at < text.size(); at += utf8_length(text, at))
      if (utf8_length(text, at) == 0) return invalid_argument(fmt::format("--param '{}' is not UTF-8", one_line(text)));
  return {};
}

// "ksize=7" each, by the declaration.
Result<ParamValues> given_params(const TaskDecl& task, const std::vector<std::string>& texts) {
  ParamValues values;
  for (const auto& text : texts) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      return invalid_argument(fmt::format("--param '{}' is not NAME=VALUE, for example --param ksize=7", text));
    const auto name = text.substr(0, equals);
    const auto spec =
        std::find_if(task.params.begin(), task.params.end(), [&](const auto& one) { return one.name == name; });
    if (spec == task.params.end())
      return invalid_argument(fmt::format("--param {}: task '{}' has no parameter '{}'{} 'ride tasks {}' lists them",
                                          text, task.name, name, did_you_mean(name, param_names(task)), task.name));
    auto value = parse_param_text(*spec, text.substr(equals + 1));
    if (!value.ok()) return invalid_argument("--param " + text + ": " + value.error().message);
    if (!values.emplace(name, std::move(*value)).second)
      return invalid_argument(fmt::format("--param {} is given twice", name));
  }
  return check_task_params(task, values);
}

Result<const TaskDecl*> task_named(const TaskCatalog& catalog, const std::string& name) {
  const auto* task = catalog.find(name);
  if (task != nullptr) return task;
  const auto meant = did_you_mean(name, catalog.names());
  return invalid_argument(
      fmt::format("there is no task '{}'{} 'ride tasks' lists them; --plugin FILE adds those of a "
                  "plug-in",
                  name, meant.empty() ? "." : meant));
}

std::string frame_line(const test_runner::TriedFrame& frame) {
  auto line = fmt::format("  {}: {}x{}x{} {}", frame.port, frame.cols, frame.rows, frame.channels, frame.depth);
  if (!frame.file.empty()) line += ", saved as " + frame.file;
  for (const auto& [name, value] : frame.attributes) line += fmt::format("\n    {}: {}", name, one_line(value));
  return line + "\n";
}

ExitCode show(const TryFlags& flags, const TryReport& report) {
  if (flags.json) {
    print(test_runner::try_to_json(report) + "\n");
  } else if (report.error.empty() || !report.frames.empty()) {
    std::string text =
        fmt::format("{} on {} ({}): {:.1f} ms, peak memory of the process {:.0f} MB\n", flags.task, flags.picture,
                    report.picture, report.milliseconds, static_cast<double>(report.peak_bytes) / 1e6);
    if (report.frames.empty()) text += "  nothing came out: the frame is filtered\n";
    for (const auto& frame : report.frames) text += frame_line(frame);
    print(text);
  }
  if (report.error.empty()) return ExitCode::ok;
  if (!flags.json)
    print_error(report.error + (report.retriable ? " (a worker would try again, and the partition would wait)" : ""));
  return ExitCode::failed;
}

Result<TryReport> tried(const TryFlags& flags, const std::filesystem::path& temp, const std::stop_token& stop) {
  RIDE_ASSIGN(const auto catalog, plugin::catalog_with(tasks::builtin_catalog(), flags.plugins, {.stop = stop}));
  RIDE_ASSIGN(const auto* task, task_named(catalog, flags.task));
  RIDE_ASSIGN(const auto params, given_params(*task, flags.params));
  RIDE_ASSIGN(auto program, process::find_program("ride-test"));
  const auto report = temp / "report";
  std::vector<std::string> arguments = {std::move(program),
                                        "try",
                                        flags.task,
                                        "--on=" + flags.picture,
                                        "--params=" + params_to_json(params).dump(),
                                        "--report=" + report.string()};
  if (!flags.save.empty()) arguments.push_back("--save=" + flags.save);
  for (const auto& plugin : plugin::different_files(flags.plugins))
    arguments.insert(arguments.end(), {"--plugin", plugin});
  RIDE_ASSIGN(const auto ended,
              process::run_to_end({.name = "ride-test", .arguments = std::move(arguments), .log = temp / "log"},
                                  std::nullopt, stop));
  if (ended.end != process::RunEnd::by_itself) return Error{ErrorCode::cancelled, "interrupted"};
  auto read = test_runner::try_from_json(file_text(report));
  if (ended.code == 0 && read.ok()) return read;
  return TryReport{.error = fmt::format("task '{}': {}", flags.task, ended.explained())};
}

ExitCode try_task(const TryFlags& flags) {
  if (const auto fit = check_texts(flags.params); !fit.ok()) return fail(fit.error());
  Interrupt interrupt;
  const auto temp = process::make_temp_folder("ride-try");
  if (!temp.ok()) return fail(temp.error());
  const auto report = tried(flags, *temp, interrupt.token());
  std::error_code ignored;
  std::filesystem::remove_all(*temp, ignored);
  if (report.ok()) return show(flags, *report);
  const auto code = fail(report.error());
  return interrupt.requested() ? interrupt.exit_code() : code;
}

}  // namespace

void add_try_command(Program& program) {
  auto flags = std::make_shared<TryFlags>();
  auto& command = program.add("Topology files", "try",
                              "Give one picture to one task: what comes out, how long it takes, how much memory",
                              "  ride try gaussian_blur --on street.jpg --param ksize=31 --save blurred.png\n"
                              "  ride try vignette --plugin build/vignette.so --on street.jpg --save dark.png\n"
                              "  ride try canny --on street.jpg --json",
                              [flags] { return try_task(*flags); });
  command.add_option("TASK", flags->task, "Its name, as 'ride tasks' shows it")->required();
  command.add_option("--on", flags->picture, "The picture file")->required()->type_name("PICTURE");
  command.add_option("--param", flags->params, "A parameter of the task; repeatable")
      ->type_name("NAME=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      .add_option("--save", flags->save,
                  "File for the picture that comes out (.png, .tiff, .jpg); those of other outputs, and further ones,\n"
                  "stand beside it: out.png, out.side.png, out.2.png")
      ->type_name("FILE");
  plugin::declare_plugin_flag(command, flags->plugins, "whose tasks can be tried, too");
  add_json_flag(command, flags->json);
}

}  // namespace ride::cli
