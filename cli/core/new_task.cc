#include "cli/core/new_task.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cctype>

#include "plugin/declaration.h"

namespace ride::cli {
namespace {

// Names of targets that a CMake project cannot have.
constexpr std::string_view kTargetsOfCMake[] = {
    "all",     "clean",          "depend",        "edit_cache", "help", "install", "list_install_components",
    "package", "package_source", "rebuild_cache", "test"};

std::string filled_in(std::string_view text, const std::vector<std::pair<std::string_view, std::string>>& values) {
  std::string out(text);
  for (const auto& [word, value] : values)
    for (auto at = out.find(word); at != std::string::npos; at = out.find(word, at + value.size()))
      out.replace(at, word.size(), value);
  return out;
}

std::string with_comment(const std::string& command, const char* comment) {
  return fmt::format("{:<64} # {}", command, comment);
}

}  // namespace

Result<void> check_new_task(const NewTask& task) {
  if (const auto fault = plugin::name_fault(task.name)) return invalid_argument("a task's name: " + *fault);
  if (task.language == TaskLanguage::cpp &&
      std::find(std::begin(kTargetsOfCMake), std::end(kTargetsOfCMake), task.name) != std::end(kTargetsOfCMake))
    return invalid_argument(
        fmt::format("CMake keeps the name '{}' for itself; take another, for example my_{}", task.name, task.name));
  return {};
}

std::vector<TaskFile> files_of(const NewTask& task) {
  std::string commands;
  for (const auto& command : next_commands(task)) commands += (commands.empty() ? "" : "\n") + command;
  std::vector<TaskFile> files;
  for (const auto& one : task_templates()) {
    if (one.language != task.language) continue;
    if (one.path == "picture.jpg") {  // bytes
      files.push_back({std::string(one.path), std::string(one.text)});
      continue;
    }
    files.push_back(
        {filled_in(one.path, {{"__NAME__", task.name}}),
         filled_in(one.text,
                   {{"__NAME__", task.name}, {"__CLASS__", class_name_of(task.name)}, {"__COMMANDS__", commands}})});
  }
  return files;
}

std::vector<std::string> next_commands(const NewTask& task) {
  const auto& name = task.name;
  if (task.language == TaskLanguage::python)
    return {with_comment(fmt::format("ride try {}.py --on picture.jpg --save out.png", name),
                         "one picture: what comes out"),
            with_comment("ride test topology.yaml", "what is expected of known pictures"),
            with_comment("ride up topology.yaml", "frame after frame, until Ctrl-C")};
  const auto plugin = fmt::format("--plugin build/{}.so", name);
  return {fmt::format("cmake -B build -DCMAKE_PREFIX_PATH={} && cmake --build build",
                      task.sdk.empty() ? "PATH_OF_THE_SDK" : shell_word(task.sdk)),
          with_comment(fmt::format("ride try build/{}.so --on picture.jpg --save out.png", name),
                       "one picture: what comes out"),
          with_comment(fmt::format("ride test topology.yaml {}", plugin), "what is expected of known pictures"),
          with_comment(fmt::format("ride up topology.yaml {}", plugin), "frame after frame, until Ctrl-C")};
}

std::string class_name_of(const std::string& task) {
  std::string name;
  bool begins = true;
  for (const char c : task) {
    if (c != '_') name += begins ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    begins = c == '_';
  }
  return name + "Task";
}

std::string shell_word(const std::string& text) {
  const auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("/._-+=:,@%").find(c) != std::string_view::npos;
  };
  if (!text.empty() && std::all_of(text.begin(), text.end(), plain)) return text;
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

}  // namespace ride::cli
