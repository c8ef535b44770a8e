// Parameters that name files: how they are declared, and which file the task opens (decision 0044). Internal to this
// folder.
#pragma once

#include <optional>
#include <string>

#include "common/param.h"
#include "worker/tasks/task.h"

namespace ride::tasks {

// A path, and nothing else; an empty text is none.
inline Result<std::optional<std::string>> locate_path(const std::string& value) {
  return value.empty() ? std::optional<std::string>() : std::optional(value);
}

// What the task opens for a parameter: the file that was shipped, else `otherwise`, a path on this machine.
inline std::string file_for(const TaskEnv& env, const std::string& param, const std::string& otherwise) {
  const auto shipped = env.files.find(param);
  return shipped == env.files.end() ? otherwise : shipped->second;
}

}  // namespace ride::tasks
