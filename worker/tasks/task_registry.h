// TaskRegistry: the tasks that a worker can run, by name. What runs a task gets it from here with its declaration, and
// knows no other: so a task from outside this binary is treated as a built-in one. Values, immutable once made; safe to
// share when const. Failure: two tasks of one name are a bug and end the process.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/task_decl.h"
#include "worker/tasks/task.h"

namespace ride::tasks {

// A task as it is registered: what it states about itself, and how one is made.
struct TaskType {
  TaskDecl declaration;
  std::function<std::unique_ptr<Task>()> make;
};

class TaskRegistry {
 public:
  explicit TaskRegistry(std::vector<TaskType> types);

  const TaskType* find(const std::string& name) const;  // null when unknown
  const TaskCatalog& catalog() const { return catalog_; }
  // The same tasks and this one, which takes the place of one of its name.
  TaskRegistry with(TaskType type) const;

 private:
  TaskCatalog catalog_;
  std::map<std::string, TaskType> types_;
};

// The tasks of this binary (the list in CMakeLists.txt).
const TaskRegistry& builtin_tasks();

}  // namespace ride::tasks
