// The declarations of the built-in tasks: for programs that check topologies and run no task (master, CLI). The library
// behind it, ride_task_catalog, holds the same declarations as the tasks that a worker runs, and none of their image
// code. Immutable.
#pragma once

#include "common/task_decl.h"

namespace ride::tasks {

const TaskCatalog& builtin_catalog();

}  // namespace ride::tasks
