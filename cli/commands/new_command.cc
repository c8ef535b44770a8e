// ride new: folders to begin with.
#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/core/new_task.h"
#include "cli/local/new_folder.h"
#include "cli/terminal.h"
#include "process/proc.h"
#include "worker/tasks/builtin_catalog.h"

namespace ride::cli {
namespace fs = std::filesystem;
namespace {

struct NewFlags {
  std::string name, language, in = ".";
};

// In the build folder that this program lies in, or installed beside it.
std::string sdk_place() {
  const fs::path beside = process::own_folder().parent_path();
  std::error_code failed;
  for (const auto& [package, prefix] : {std::pair(beside / "sdk", beside / "sdk"), {beside / "lib/cmake/Ride", beside}})
    if (fs::exists(package / "RideConfig.cmake", failed)) return prefix.string();
  return {};
}

ExitCode new_task(const NewFlags& flags) {
  const NewTask task{.name = flags.name,
                     .language = flags.language == "cpp" ? TaskLanguage::cpp : TaskLanguage::python,
                     .sdk = sdk_place()};
  if (const auto good = check_new_task(task); !good.ok()) return fail(good.error());
  if (tasks::builtin_catalog().find(task.name) != nullptr)
    return fail(invalid_argument(
        fmt::format("RIDE has a task '{}' already; take another name, for example my_{}", task.name, task.name)));
  const fs::path folder = fs::path(flags.in) / task.name;
  const auto files = files_of(task);
  if (const auto written = write_new_folder(folder, files); !written.ok()) return fail(written.error());
  std::string text = folder.lexically_normal().string() + ":";
  for (const auto& file : files) text += " " + file.path;
  text += "\n\nNext:\n  cd " + shell_word(folder.lexically_normal().string()) + "\n";
  for (const auto& command : next_commands(task)) text += "  " + command + "\n";
  if (task.language == TaskLanguage::cpp && task.sdk.empty())
    text +=
        "\nPATH_OF_THE_SDK: it does not lie beside this program. From a build folder of RIDE it is installed by\n"
        "  cmake --install BUILD --component sdk --prefix PATH_OF_THE_SDK\n";
  print(text);
  return ExitCode::ok;
}

}  // namespace

void add_new_command(Program& program) {
  auto flags = std::make_shared<NewFlags>();
  auto& command = program.add(
      "Topology files", "new", "Make a folder with a task of your own, a topology that runs it, and tests",
      "  ride new task bright_spots --lang python     a class, called for each picture; nothing to build\n"
      "  ride new task bright_spots --lang cpp        a plug-in: CMake, a compiler with C++20, RIDE's SDK\n"
      "  ride new task bright_spots --lang cpp --in ~/tasks\n\n"
      "What it makes works as it is: it prints the commands that try it on a picture, test it and run it. Then change\n"
      "the task, and try again. All that a class or a plug-in can do: docs/python.md, sdk/README.md.",
      [flags] { return new_task(*flags); });
  command.require_subcommand(1);
  auto* task = command.add_subcommand("task", "Make the folder NAME; one that is there is left as it is (exit code 1)");
  task->add_option("NAME", flags->name, "The task's name: a small letter, then small letters, digits and _")
      ->required();
  task->add_option("--lang", flags->language, "Language of the task")
      ->required()
      ->check(CLI::IsMember({"cpp", "python"}));
  task->add_option("--in", flags->in, "Folder to make it in")->type_name("FOLDER")->capture_default_str();
}

}  // namespace ride::cli
