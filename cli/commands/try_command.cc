// ride try: one picture through one task; no topology, no broker.
#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/command.h"
#include "cli/core/try_words.h"
#include "cli/interrupt.h"
#include "cli/local/file_watch.h"
#include "cli/local/task_try.h"
#include "cli/local/viewer.h"
#include "cli/terminal.h"
#include "common/json.h"
#include "common/suggest.h"
#include "common/text.h"
#include "plugin/describe.h"
#include "plugin/plugin_flag.h"
#include "process/temp_folder.h"
#include "test_runner/try_report.h"
#include "worker/tasks/builtin_catalog.h"

namespace ride::cli {
namespace {

using test_runner::TryReport;

struct TryFlags {
  std::string task, picture, save;
  std::vector<std::string> params, plugins;
  bool show = false, watch = false, json = false;
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
    RIDE_ASSIGN(const auto param, name_and_value(text));
    const auto& name = param.first;
    const auto spec =
        std::find_if(task.params.begin(), task.params.end(), [&](const auto& one) { return one.name == name; });
    if (spec == task.params.end())
      return invalid_argument(fmt::format("--param {}: task '{}' has no parameter '{}'{} 'ride tasks {}' lists them",
                                          text, task.name, name, did_you_mean(name, param_names(task)), task.name));
    auto value = parse_param_text(*spec, param.second);
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
  if (!flags.json)
    for (const auto& line : report.printed) print("  | " + line + "\n");
  if (report.error.empty()) return ExitCode::ok;
  if (!flags.json)
    print_error(report.error + (report.retriable ? " (a worker would try again, and the partition would wait)" : ""));
  return ExitCode::failed;
}

// The only task of a plug-in that was named in the place of a task.
Result<std::string> only_task_of(const std::string& plugin, const std::stop_token& stop) {
  RIDE_ASSIGN(const auto tasks, plugin::describe(plugin, {.stop = stop}));
  if (tasks.size() == 1) return tasks.front().name;
  std::string names;
  for (const auto& task : tasks) names += (names.empty() ? "" : ", ") + task.name;
  return invalid_argument(fmt::format("{} has several tasks ({}): ride try TASK --plugin {}", plugin, names, plugin));
}

Result<TryOrder> order_of(const TryFlags& flags, const std::stop_token& stop) {
  TryOrder order{.task = flags.task, .plugins = flags.plugins, .picture = flags.picture, .save = flags.save};
  auto texts = flags.params;
  if (is_plugin_file(flags.task)) {
    RIDE_ASSIGN(order.task, only_task_of(flags.task, stop));
    order.plugins.push_back(flags.task);
  } else if (is_python_file(flags.task)) {
    order.task = "python";
    RIDE_ASSIGN(texts, python_params(flags.task, flags.params, tasks::builtin_catalog().find("python")->params));
  }
  RIDE_ASSIGN(const auto catalog, plugin::catalog_with(tasks::builtin_catalog(), order.plugins, {.stop = stop}));
  RIDE_ASSIGN(const auto* task, task_named(catalog, order.task));
  RIDE_ASSIGN(order.params, given_params(*task, texts));
  return order;
}

// What makes another result when it is saved: the picture, the task's file, plug-ins, and files in parameters.
std::vector<std::filesystem::path> files_of(const TryFlags& flags) {
  std::vector<std::filesystem::path> files(flags.plugins.begin(), flags.plugins.end());
  files.emplace_back(flags.picture);
  if (is_plugin_file(flags.task) || is_python_file(flags.task)) files.emplace_back(flags.task);
  std::error_code failed;
  for (const auto& text : flags.params)
    if (const auto param = name_and_value(text); param.ok() && std::filesystem::is_regular_file(param->second, failed))
      files.emplace_back(param->second);
  return files;
}

class Tries {
 public:
  Tries(const TryFlags& flags, std::filesystem::path temp, Interrupt& interrupt)
      : flags_(flags), temp_(std::move(temp)), interrupt_(interrupt) {}
  // What a viewer looks at stays.
  ~Tries() {
    std::error_code ignored;
    if (!is_shown_) std::filesystem::remove_all(temp_, ignored);
    for (const char* file : {"report", "log"}) std::filesystem::remove(temp_ / file, ignored);
  }
  Tries(const Tries&) = delete;
  Tries& operator=(const Tries&) = delete;

  ExitCode once() {
    const auto report = tried();
    if (report.ok()) return show(flags_, *report);
    const auto code = fail(report.error());
    return interrupt_.requested() ? interrupt_.exit_code() : code;
  }

  ExitCode watch() {
    FileWatch files(files_of(flags_));  // before they are read: what is saved meanwhile is tried again
    if (const auto code = once(); code == ExitCode::usage) return code;
    for (;;) {
      if (interrupt_.wait(FileWatch::kLook)) return interrupt_.exit_code();
      if (!files.saved().empty()) once();
    }
  }

 private:
  Result<TryReport> tried() {
    RIDE_ASSIGN(auto order, order_of(flags_, interrupt_.token()));
    const auto sheet = temp_ / (std::filesystem::path(flags_.task).stem().string() + ".png");
    if (flags_.show) order.show = sheet.string();
    RIDE_ASSIGN(auto report, run_try(order, temp_, interrupt_.token()));
    if (!flags_.show || is_shown_ || !report.error.empty()) return report;
    is_shown_ = true;
    RIDE_TRY(open_in_viewer(sheet));
    return report;
  }

  const TryFlags& flags_;
  const std::filesystem::path temp_;
  Interrupt& interrupt_;
  bool is_shown_ = false;  // viewers look at the file again by themselves
};

ExitCode try_task(const TryFlags& flags) {
  if (const auto fit = check_texts(flags.params); !fit.ok()) return fail(fit.error());
  if (flags.show)
    if (const auto screen = check_screen(); !screen.ok()) return fail(screen.error());
  Interrupt interrupt;
  const auto temp = process::make_temp_folder("ride-try");
  if (!temp.ok()) return fail(temp.error());
  Tries tries(flags, *temp, interrupt);
  return flags.watch ? tries.watch() : tries.once();
}

}  // namespace

void add_try_command(Program& program) {
  auto flags = std::make_shared<TryFlags>();
  auto& command = program.add(
      "Topology files", "try", "Give one picture to one task: what comes out, how long it takes, how much memory",
      "  ride try gaussian_blur --on street.jpg --param ksize=31 --save blurred.png\n"
      "  ride try count.py --on street.jpg --param threshold=180    a Python class, with its parameters\n"
      "  ride try build/vignette.so --on street.jpg --show          a plug-in's task\n"
      "  ride try count.py --on street.jpg --save out.png --watch   again at each save, until Ctrl-C\n"
      "  ride try canny --on street.jpg --json",
      [flags] { return try_task(*flags); });
  command
      .add_option("TASK", flags->task,
                  "Its name, as 'ride tasks' shows it; or a file: a Python class (.py), a plug-in with one task (.so)")
      ->required();
  command.add_option("--on", flags->picture, "The picture file")->required()->type_name("PICTURE");
  command.add_option("--param", flags->params, "A parameter of the task, or of the Python class; repeatable")
      ->type_name("NAME=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      .add_option("--save", flags->save,
                  "File for the picture that comes out (.png, .tiff, .jpg); those of other outputs, and further ones,\n"
                  "stand beside it: out.png, out.side.png, out.2.png")
      ->type_name("FILE");
  command.add_flag("--show", flags->show, "Open what goes in beside what comes out in the desktop's viewer");
  command.add_flag("--watch", flags->watch,
                   "Again at each save of the task's file, of the picture, and of files in parameters, until Ctrl-C");
  plugin::declare_plugin_flag(command, flags->plugins, "whose tasks can be tried, too");
  add_json_flag(command, flags->json);
}

}  // namespace ride::cli
