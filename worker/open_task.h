// From a stage's description to its task, opened: parameters checked once more. Threads: the one that will call the
// task; it has set OpenCV's threads to threads_of(), which are the process's. Failure: an Error with the stage; nothing
// is left open.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "stream/spec.h"
#include "worker/tasks/task_registry.h"

namespace ride::worker {

struct TaskOwner {
  JobName job;
  RunNumber run;
  std::string worker;                        // incarnation
  std::map<std::string, std::string> files;  // by parameter: those that the job brings, where they lie on this machine
};

// Threads that a task of the stage may use, 1 or more.
int threads_of(const stream::StageSpec& stage);

// `type` without `make`: there is no task of that name (not_found).
Result<std::unique_ptr<tasks::Task>> open_task(const tasks::TaskType& type, const stream::StageSpec& stage,
                                               const TaskOwner& owner);

}  // namespace ride::worker
