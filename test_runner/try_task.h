// One picture through one task, as a worker would open and run it: `ride try`. Reads and writes files. Threads: one; a
// task may have its own. Failure: none; what goes wrong stands in the report. A task that crashes ends the process.
#pragma once

#include <string>

#include "common/param.h"
#include "test_runner/try_report.h"
#include "worker/tasks/task_registry.h"

namespace ride::test_runner {

struct TryRequest {
  std::string task, picture;  // a picture file; empty: the task is opened, and that is all
  ParamValues params;
  std::string show;  // file for a picture of what went in beside all that came out; empty: none
  std::string save;  // file for what comes out of the first output; others stand beside it. Empty: nothing is saved
};

TryReport try_task(const TryRequest& request, const tasks::TaskRegistry& registry);

// "out.png", "out.side.png", "out.side.2.png": of the frame of a port and its number there, from 1. `first`: the port
// whose frames have the plain name.
std::string saved_name(const std::string& save, const std::string& first, const std::string& port, int number);

}  // namespace ride::test_runner
