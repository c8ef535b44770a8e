#include "common/task_files.h"

namespace ride {

std::string files_template(const TaskDecl* task, const ParamValues& params) {
  if (task == nullptr || task->files.param == nullptr) return {};
  const auto path = params.find(task->files.param);
  const auto* text = path == params.end() ? nullptr : std::get_if<std::string>(&path->second);
  return text == nullptr ? std::string() : *text;
}

}  // namespace ride
