// What a topology reads and writes on this machine, against what is there: reported with its line before anything is
// started. For producers and workers on this machine whose working folder is ours. Reads the file system. Threads: any.
#pragma once

#include <string>
#include <vector>

#include "cli/topology_file.h"

namespace ride::cli {

// Directories and videos of sources that are missing, empty or not readable, and folders that sinks could not write to.
// Sources of other nodes, URLs and what needs a variable that is not set here are left out.
std::vector<topology::Diagnostic> missing_inputs(const TopologyFile& file, topology::Severity severity);

// The same for producers that run elsewhere on this machine: sources alone; with `relative`, also those whose path
// begins in the producers' working folder. Their user and their variables may be others than ours: an error is only
// what nobody finds there, all else is a warning.
std::vector<topology::Diagnostic> missing_sources(const TopologyFile& file, bool relative);

}  // namespace ride::cli
