// The agent: one loop over signals, ends of children, their output and what the supervisor says is due. run() belongs
// to the main thread and blocks SIGCHLD, SIGTERM and SIGINT there; call it before any other thread is started, so that
// none takes them. First SIGTERM or SIGINT: children get SIGTERM, and SIGKILL 5 s later; a second one: SIGKILL at once.
// SIGUSR1: the workers end in the same way, and when all have ended they are started again (decision 0050).
#pragma once

#include "agent/options.h"
#include "common/result.h"

namespace ride::agent {

// Returns after all children have ended. Error: it could not start, or may not join the cluster.
Result<void> run(const Options& options);

}  // namespace ride::agent
