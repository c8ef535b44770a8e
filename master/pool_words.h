// What a stage lacks, and what the pool has of it, in words: a job waits visibly. Pure.
#pragma once

#include <string>

#include "master/core/state.h"

namespace ride::master {

// "the pool has 3 workers, none of them fits: none has a GPU, the largest has 2 cores".
std::string pool_words(const State& state, const stream::GroupSpec& group);

// Why the stage lacks workers, with the pool's words; empty: it lacks none.
std::string waiting_words(const State& state, const Job& job, const stream::StageSpec& spec);

}  // namespace ride::master
