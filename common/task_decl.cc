#include "common/task_decl.h"

#include <algorithm>

#include "common/check.h"

namespace ride {

Result<ParamValues> check_task_params(const TaskDecl& task, const ParamValues& given) {
  auto checked = check_params(task.params, given);
  if (!checked || task.rule == nullptr) return checked;
  if (const auto wrong = task.rule(without_node_prefix(task.params, *checked))) {
    return Error{ErrorCode::invalid_argument, "parameters of task '" + task.name + "': " + *wrong};
  }
  return checked;
}

TaskCatalog::TaskCatalog(std::vector<TaskDecl> declarations) : declarations_(std::move(declarations)) {
  std::sort(declarations_.begin(), declarations_.end(),
            [](const TaskDecl& a, const TaskDecl& b) { return a.name < b.name; });
  const auto same = std::adjacent_find(declarations_.begin(), declarations_.end(),
                                       [](const TaskDecl& a, const TaskDecl& b) { return a.name == b.name; });
  RIDE_CHECK(same == declarations_.end(), "two tasks are named '" + same->name + "'");
}

const TaskDecl* TaskCatalog::find(const std::string& name) const {
  const auto at = std::lower_bound(declarations_.begin(), declarations_.end(), name,
                                   [](const TaskDecl& a, const std::string& b) { return a.name < b; });
  return at != declarations_.end() && at->name == name ? &*at : nullptr;
}

std::vector<std::string> TaskCatalog::names() const {
  std::vector<std::string> names;
  names.reserve(declarations_.size());
  for (const auto& declaration : declarations_) names.push_back(declaration.name);
  return names;
}

}  // namespace ride
