// The Python files that a topology names (task `python`), looked at before anything is started: what cannot be right on
// any node is told with its line in the topology. Nothing is said where this machine has no Python, or where the file
// stands on the nodes (node:PATH). Threads: any.
#pragma once

#include <vector>

#include "cli/topology_file.h"

namespace ride::cli {

// Errors; what another Python than that of this machine may see otherwise is a warning.
std::vector<topology::Diagnostic> script_problems(const TopologyFile& file);

}  // namespace ride::cli
