#include "worker/open_task.h"

#include <algorithm>

#include "common/cause.h"

namespace ride::worker {

int threads_of(const stream::StageSpec& stage) { return std::max(1, static_cast<int>(stage.group.cores)); }

Result<std::unique_ptr<tasks::Task>> open_task(const tasks::TaskType& type, const stream::StageSpec& stage,
                                               const TaskOwner& owner) {
  auto task = type.make ? type.make() : nullptr;
  if (!task)
    return Error{ErrorCode::not_found, "this worker has no task '" + stage.task +
                                           "': it is not built in, and no plug-in that it was started with has it "
                                           "(ride-worker or ride-agent --plugin FILE)"};
  // A task takes it for granted that its parameters are as declared; who wrote the job into the log may not have.
  auto checked = check_task_params(type.declaration, stage.params);
  if (!checked.ok())
    return Error{checked.error().code, "task '" + stage.task + "' of stage " + stage.name +
                                           " has other parameters than it "
                                           "declares: " +
                                           checked.error().message};
  tasks::TaskEnv env;
  env.params = without_node_prefix(type.declaration.params, std::move(checked).value());
  env.files = owner.files;
  env.job = owner.job.value;
  env.stage = stage.name;
  env.run = owner.run.value;
  env.worker = owner.worker;
  env.threads = threads_of(stage);
  Result<void> opened;
  try {
    opened = task->open(env);
  } catch (const std::exception& failure) {
    opened = Error{ErrorCode::internal, cause_of(failure)};
  }
  if (!opened.ok()) {
    task->close();
    return Error{opened.error().code,
                 "task '" + stage.task + "' of stage " + stage.name + " cannot be opened: " + opened.error().message};
  }
  return task;
}

}  // namespace ride::worker
