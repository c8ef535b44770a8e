// What `ride new task` writes: the files of a task of one's own, made of the templates in cli/templates, and the
// commands that come next. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace ride::cli {

enum class TaskLanguage { cpp, python };

struct NewTask {
  std::string name;
  TaskLanguage language = TaskLanguage::python;
  std::string sdk;  // what CMAKE_PREFIX_PATH needs to find the SDK; empty: it is not known
};

struct TaskFile {
  std::string path, text;
};

// In them __NAME__, __CLASS__ and __COMMANDS__ stand for what differs. Compiled in.
struct TaskTemplate {
  TaskLanguage language;
  std::string_view path, text;
};
const std::vector<TaskTemplate>& task_templates();

// invalid_argument: not a task's name, that of a built-in task, or one that CMake keeps for itself.
Result<void> check_new_task(const NewTask& task);

std::vector<TaskFile> files_of(const NewTask& task);

// To be called in its folder, a line each.
std::vector<std::string> next_commands(const NewTask& task);

// "bright_spots": "BrightSpotsTask", which is no keyword of either language.
std::string class_name_of(const std::string& task);

// As a shell takes it for one word.
std::string shell_word(const std::string& text);

}  // namespace ride::cli
