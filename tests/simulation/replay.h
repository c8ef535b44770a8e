// Replay: what a person reads about a seed that failed: the faults that are needed for it, what was wrong, and the part
// of the story that leads there.
#pragma once

#include <string>

#include "tests/simulation/world.h"

namespace ride::simulation {

// Leaves faults out one by one, as long as something still goes wrong. The scenario must fail.
Scenario shorten(Scenario scenario, Mutation broken);

// The shortened story of a seed that fails; with `whole`, every line of the seed's own run.
std::string report(std::uint64_t seed, Mutation broken, bool whole = false);

}  // namespace ride::simulation
