// Starts a worker or producer (process/spawn.h) that ends with us, however we end: SIGKILL on our death, output into a
// pipe or our standard error, and what the agent gives its children. Call it from the main thread, as process::spawn()
// says. Failure: as there.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "common/result.h"

namespace ride::agent {

struct Launched {
  pid_t pid = 0;
  int output = -1;  // our end of its output, not blocking; -1: it writes to our standard error. The caller closes it.
};

// What a child is given. Every field may be left out.
struct LaunchOptions {
  std::string incarnation;               // RIDE_INCARNATION: it calls itself so, and we can name it when it ends
  int crash_note = -1;                   // descriptor of its CrashNote; the child finds it as RIDE_CRASH_NOTE
  std::vector<int> cores;                // that it may run on; empty: ours
  std::vector<std::string> environment;  // "NAME=value", more of it
};

Result<Launched> launch(const std::vector<std::string>& arguments, bool capture_output,
                        const LaunchOptions& options = {});

}  // namespace ride::agent
