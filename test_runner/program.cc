#include "test_runner/program.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "common/file_text.h"
#include "common/json.h"
#include "plugin/plugin_flag.h"
#include "plugin/plugin_tasks.h"
#include "process/service.h"
#include "process/whole_file.h"
#include "test_runner/run_test.h"
#include "test_runner/try_task.h"

namespace ride::test_runner {
namespace {

constexpr const char* kDescription =
    "ride-test runs what may crash for the command line: one test of a topology file, for `ride test FILE` (once for\n"
    "each test, so that a task that crashes ends its own test alone), or one picture through a task, for `ride try`.";

struct Flags {
  std::string file, test, folder, sheet, report;
  TryRequest tried;
  std::string params = "{}";  // JSON
  bool update = false, tries = false;
  std::vector<std::string> plugins;
};

void declare_both(CLI::App& command, Flags& flags) {
  command.add_option("--report", flags.report, "File for the report (JSON)")->required();
  plugin::declare_plugin_flag(command, flags.plugins, "whose tasks can be run");
}

void declare(CLI::App& app, Flags& flags) {
  app.require_subcommand(1);
  auto& test = *app.add_subcommand("test", "Run one test of a topology file");
  test.add_option("FILE", flags.file, "Topology file (YAML)")->required();
  test.add_option("--test", flags.test, "Name of the test")->required();
  test.add_option("--folder", flags.folder, "Where relative paths of the test begin")->required();
  test.add_option("--sheet", flags.sheet, "File for the picture of a failure")->required();
  test.add_flag("--update", flags.update, "Write an expected picture that differs or is not there");
  declare_both(test, flags);

  auto& tries = *app.add_subcommand("try", "Give one picture to one task");
  tries.callback([&flags] { flags.tries = true; });
  tries.add_option("TASK", flags.tried.task, "The task")->required();
  tries.add_option("--on", flags.tried.picture, "The picture; without one the task is opened, and that is all");
  tries.add_option("--params", flags.params, "The task's parameters (JSON)");
  tries.add_option("--show", flags.tried.show, "File for a picture of what goes in beside what comes out");
  tries.add_option("--save", flags.tried.save, "File for what comes out");
  declare_both(tries, flags);
}

Result<void> run_try(const Flags& flags, const tasks::TaskRegistry& registry) {
  auto request = flags.tried;
  const auto given = nlohmann::json::parse(flags.params, nullptr, false);
  RIDE_ASSIGN(request.params, params_from_json(given));
  return process::write_whole_file(flags.report, try_to_json(try_task(request, registry)));
}

Result<void> run(const Flags& flags, const tasks::TaskRegistry& builtin) {
  const auto loaded = plugin::with_plugins(builtin, flags.plugins);
  if (!loaded.ok()) return process::wrong_usage(loaded.error());
  const auto& registry = *loaded;
  if (flags.tries) return run_try(flags, registry);
  RIDE_ASSIGN(const auto text, read_named_file(flags.file));
  const auto environment = process_environment();
  const auto parsed = topology::parse_topology(text, flags.file, registry.catalog(), environment);
  if (!parsed.topology) return Error{ErrorCode::invalid_argument, topology::render(parsed.diagnostics, text)};
  const auto& tests = parsed.topology->tests();
  const auto test = std::find_if(tests.begin(), tests.end(), [&](const auto& one) { return one.name == flags.test; });
  if (test == tests.end())
    return Error{ErrorCode::invalid_argument, "the file has no test '" + flags.test + "'; 'ride test FILE' runs all"};
  const auto report =
      run_test(*parsed.topology, *test, {flags.folder, flags.sheet, flags.update}, registry, environment);
  return process::write_whole_file(flags.report, report_to_json(report));
}

}  // namespace

int run_program(int argc, char** argv, const tasks::TaskRegistry& registry) {
  Flags flags;
  return process::run_service(argc, argv,
                              {.name = "ride-test",
                               .description = kDescription,
                               .declare = [&](CLI::App& app) { declare(app, flags); },
                               .run = [&](process::Service&) { return run(flags, registry); }});
}

}  // namespace ride::test_runner
