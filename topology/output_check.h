// A topology's sinks against what the nodes of a cluster let them write: reported at submit where it can be known. Each
// worker applies the same rule again.
#pragma once

#include <string>
#include <vector>

#include "topology/topology.h"

namespace ride::topology {

struct NodeOutputs {
  std::string node;
  std::vector<std::string> folders;  // absolute; relative paths begin in the first
};

// As parse_topology() for a cluster's master; besides, a sink whose files no node would take is an error. No nodes:
// nothing is known, and none is. The file's tests are not read: they concern the machine that they are run on.
ParseOutcome parse_topology(std::string_view text, const std::string& file_name, const TaskCatalog& catalog,
                            const Environment& environment, const std::vector<NodeOutputs>& nodes);

// The folders that the sinks write below, as their paths say it: absolute, or relative to the working folder.
std::vector<std::string> sink_folders(const Topology& topology, const TaskCatalog& catalog);

}  // namespace ride::topology
