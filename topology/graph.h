// A plan as a picture. Pure.
#pragma once

#include <string>

#include "topology/plan.h"

namespace ride::topology {

// Graphviz DOT: sources, topics with their partitions, stages with task and group, sinks; data walks from left to
// right.
std::string to_dot(const Plan& plan);

}  // namespace ride::topology
