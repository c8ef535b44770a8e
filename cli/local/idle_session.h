// ride up --idle: the broker and a master on what a folder kept, without agent, workers or producers: nothing is
// processed, and a job that is over, paused or was broken off can be asked after. Threads: one. Failure: printed, and
// the exit code returned; nothing is left running in any case.
#pragma once

#include <chrono>
#include <optional>

#include "cli/core/exit_code.h"
#include "cli/core/settings.h"

namespace ride::cli {

struct IdleOptions {
  Settings settings;
  std::optional<std::chrono::milliseconds> duration;  // end by itself
};

ExitCode run_idle(const IdleOptions& options);

}  // namespace ride::cli
