// Hashes that tests expect, written into the topology's text at their places; nothing else of it changes. Pure; any
// thread.
#pragma once

#include <string>
#include <vector>

#include "common/result.h"
#include "topology/diagnostic.h"

namespace ride::topology {

struct HashEdit {
  SourceLocation place;  // of the value, as the parser gave it
  std::string from, to;
};

// invalid_argument: the old value does not stand at its place (an alias used twice); names line and value. All or
// nothing.
Result<std::string> edit_hashes(std::string text, std::vector<HashEdit> edits);

}  // namespace ride::topology
