// The worker's program: flags in, Worker::run(), exit code out. A function of its own, since tests build a worker whose
// tasks misbehave.
#pragma once

#include "worker/tasks/task.h"

namespace ride::worker {

int run_program(int argc, char** argv, tasks::MakeTask make_task);

}  // namespace ride::worker
