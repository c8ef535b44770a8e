// The recipe of a topology: what its sinks' files follow from, beside the pictures that it reads. Two files of one
// recipe make the same of the same picture; how many workers do it, where and how fast, is no part of it. Pure.
#pragma once

#include <string>

#include "topology/topology.h"

namespace ride::topology {

// A text that differs where the recipe does, of a form that may change with the version.
std::string recipe_text(const Topology& topology);

}  // namespace ride::topology
