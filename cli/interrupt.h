// The signals that end a command (process/interrupt.h), and the exit code that says which. Make one before any other
// thread is started. Owner: the command. Threads: all members but the constructor may be used from any.
#pragma once

#include "cli/core/exit_code.h"
#include "process/interrupt.h"

namespace ride::cli {

class Interrupt : public process::Interrupt {
 public:
  // 130 after Ctrl-C, 143 after SIGTERM.
  ExitCode exit_code() const {
    const int which = signal();
    return which == SIGINT || which == 0 ? ExitCode::interrupted : ExitCode::terminated;
  }
};

}  // namespace ride::cli
