// What of a job is counted as its input and its output, as far as reports have told. Pure.
#pragma once

#include "master/core/state.h"

namespace ride::master {

bool is_last(const stream::StageSpec& stage);  // nothing of the job reads what it writes

// In: sent by the sources, all their sessions. Out: ACKed by the last stages. Of a job that is over, at least what its
// end told: a master that started later has heard nothing else.
stream::FrameTotals totals_of(const State& state, const Job& job);

}  // namespace ride::master
