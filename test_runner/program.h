// The program that runs one test: flags in, report out. A function of its own, since tests build one whose tasks
// misbehave.
#pragma once

#include "worker/tasks/task_registry.h"

namespace ride::test_runner {

// The exit code: 0 also where the test failed, which the report says.
int run_program(int argc, char** argv, const tasks::TaskRegistry& registry);

}  // namespace ride::test_runner
