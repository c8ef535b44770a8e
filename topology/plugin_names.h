// The plug-ins that a topology file names, read before the file is parsed: what it may hold depends on their tasks.
// Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/environment.h"
#include "topology/diagnostic.h"

namespace ride::topology {

struct PluginName {
  std::string file;  // ${VAR} filled in
  SourceLocation place;
};

// In file order. What is wrong with the list is said by parse_topology().
std::vector<PluginName> named_plugins(std::string_view text, const Environment& environment);

}  // namespace ride::topology
