// ride tasks: what a stage can do.
#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "cli/command.h"
#include "cli/core/script_view.h"
#include "cli/core/task_view.h"
#include "cli/terminal.h"
#include "common/json.h"
#include "common/suggest.h"
#include "plugin/describe.h"
#include "plugin/plugin_flag.h"
#include "worker/python/script_facts.h"
#include "worker/tasks/builtin_catalog.h"

namespace ride::cli {
namespace {

struct TaskFlags {
  std::string name;
  bool json = false;
  std::vector<std::string> plugins;
};

ExitCode show_script(const TaskFlags& flags) {
  std::error_code failed;
  if (!std::filesystem::is_regular_file(flags.name, failed))
    return fail({ErrorCode::not_found, fmt::format("there is no file {}", flags.name)});
  const auto facts = python::look_at_script({.file = flags.name});
  if (!facts.ok()) return fail(facts.error());
  if (facts->classes.empty())
    return fail(
        {ErrorCode::invalid_argument,
         facts->problems.empty()
             ? fmt::format("{} has no class with process(self, frame, out), as far as its text says", flags.name)
             : facts->problems.front().text});
  const Terminal terminal = stdout_terminal();
  print(flags.json ? script_to_json(flags.name, *facts).dump(2) + "\n"
                   : render_script(flags.name, *facts, terminal.style, terminal.width));
  return ExitCode::ok;
}

ExitCode show_tasks(const TaskFlags& flags) {
  if (flags.name.ends_with(".py")) return show_script(flags);
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
                              "  ride tasks count.py         a file for the task python: what its classes declare\n"
                              "  ride tasks vignette --plugin vignette.so    one of a plug-in",
                              [flags] { return show_tasks(*flags); });
  command.add_option("NAME", flags->name, "Show only this task, or this Python file");
  plugin::declare_plugin_flag(command, flags->plugins, "whose tasks are shown, too");
  add_json_flag(command, flags->json);
}

}  // namespace ride::cli
