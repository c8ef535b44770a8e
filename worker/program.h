// The worker's program: flags in, Worker::run(), exit code out. A function of its own, since tests build a worker whose
// tasks misbehave.
#pragma once

#include "worker/tasks/task_registry.h"

namespace ride::worker {

int run_program(int argc, char** argv, tasks::TaskRegistry registry);

}  // namespace ride::worker
