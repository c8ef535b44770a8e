#include "worker/tasks/task_registry.h"

namespace ride::tasks {
namespace {

std::vector<TaskDecl> declarations_of(const std::vector<TaskType>& types) {
  std::vector<TaskDecl> all;
  all.reserve(types.size());
  for (const auto& type : types) all.push_back(type.declaration);
  return all;
}

}  // namespace

TaskRegistry::TaskRegistry(std::vector<TaskType> types) : catalog_(declarations_of(types)) {
  for (auto& type : types) {
    auto name = type.declaration.name;
    types_.emplace(std::move(name), std::move(type));
  }
}

const TaskType* TaskRegistry::find(const std::string& name) const {
  const auto at = types_.find(name);
  return at == types_.end() ? nullptr : &at->second;
}

TaskRegistry TaskRegistry::with(TaskType type) const {
  std::vector<TaskType> all;
  for (const auto& [name, known] : types_)
    if (name != type.declaration.name) all.push_back(known);
  all.push_back(std::move(type));
  return TaskRegistry(std::move(all));
}

}  // namespace ride::tasks
