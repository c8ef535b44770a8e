// ride tasks: what a stage can do.
#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/core/task_view.h"
#include "cli/terminal.h"
#include "common/json.h"
#include "common/suggest.h"
#include "plugin/describe.h"
#include "plugin/plugin_flag.h"
#include "worker/tasks/builtin_catalog.h"

namespace ride::cli {
namespace {

struct TaskFlags {
  std::string name;
  bool json = false;
  std::vector<std::string> plugins;
};

ExitCode show_tasks(const TaskFlags& flags) {
  const auto known = plugin::catalog_with(tasks::builtin_catalog(), flags.plugins);
  if (!known.ok()) return fail(known.error());
  const TaskCatalog& catalog = *known;
  const Terminal terminal = stdout_terminal();
  if (flags.name.empty()) {
    if (!flags.json) {
      print(render_tasks(catalog, terminal.style, terminal.width));
      return ExitCode::ok;
    }
    nlohmann::json list = nlohmann::json::array();
    for (const TaskDecl& task : catalog.all()) list.push_back(task_to_json(task));
    print(list.dump(2) + "\n");
    return ExitCode::ok;
  }
  const TaskDecl* task = catalog.find(flags.name);
  if (task == nullptr) {
    const std::string meant = did_you_mean(flags.name, catalog.names());
    return fail({ErrorCode::invalid_argument, fmt::format("there is no task '{}'{} 'ride tasks' lists them", flags.name,
                                                          meant.empty() ? "." : meant)});
  }
  print(flags.json ? task_to_json(*task).dump(2) + "\n" : render_task(*task, terminal.style, terminal.width));
  return ExitCode::ok;
}

}  // namespace

void add_task_commands(Program& program) {
  auto flags = std::make_shared<TaskFlags>();
  auto& command = program.add("Topology files", "tasks", "List the tasks, or show one with its parameters",
                              "  ride tasks                  all tasks\n"
                              "  ride tasks gaussian_blur    its parameters with type, default, bounds and meaning\n"
                              "  ride tasks --json           the same, for scripts\n"
                              "  ride tasks vignette --plugin vignette.so    one of a plug-in",
                              [flags] { return show_tasks(*flags); });
  command.add_option("NAME", flags->name, "Show only this task");
  plugin::declare_plugin_flag(command, flags->plugins, "whose tasks are shown, too");
  add_json_flag(command, flags->json);
}

}  // namespace ride::cli
