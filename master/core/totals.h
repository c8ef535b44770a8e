// What of a job is counted as its input and its output, as far as reports say. Pure.
#pragma once

#include "master/core/state.h"

namespace ride::master {

bool is_last(const stream::StageSpec& stage);  // nothing of the job reads what it writes

// Frames of one source in this run, all its owners and sessions; `source` is one of the job's. Reports of a source and
// of the stage that reads it are of different moments: what that stage alone could have had from it counts as sent.
std::int64_t frames_of(const State& state, const Job& job, const std::string& source);
// As far as sources report it themselves; null: nothing is known of it.
std::int64_t reported_frames(const SourceReports* reports);

// Pictures that the sources before this stage refused: each comes to it as a dropped one.
std::int64_t rejected_before(const State& state, const Job& job, const stream::StageSpec& stage);

// What came to the stage so far, as all before it report: frames, and what stands in the place of others. Nothing: it
// also reads what others write.
std::optional<std::int64_t> given_to(const State& state, const Job& job, const stream::StageSpec& stage);
// Of these it has finished so many, whatever came of them.
std::int64_t finished_by(const State& state, const Job& job, const stream::StageSpec& stage);

// In: sent by the sources, all their sessions. Out: ACKed by the last stages. Of a job that is over, at least what its
// end reported: a master that started later has heard nothing else.
stream::FrameTotals totals_of(const State& state, const Job& job);

}  // namespace ride::master
