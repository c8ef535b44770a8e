#include "worker/tasks/task.h"

namespace ride::tasks {

Result<void> Task::finish(Emitter&) { return {}; }
void Task::close() {}

}  // namespace ride::tasks
