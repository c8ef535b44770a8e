// The steps of decide(), in their order. Internal to master/core. Each reads `due`, adds decisions to the draft, and
// may mark more work for the steps behind it.
#pragma once

#include "master/core/draft.h"

namespace ride::master {

void observe(State& state, const Event& event);
bool is_known(const State& state, const Hard& hard, const WorkerId& worker);  // it matters to somebody

void settle_strikes(Draft& draft, Due& due);                 // Strike: before its partitions go to the next one
void settle_losses(Draft& draft, State& state, Due& due);    // WorkerOut
void settle_requests(Draft& draft, State& state, Due& due);  // submit, pause, resume, drain, cancel
void settle_jobs(Draft& draft, State& state, Due& due);      // topics ready or not, fatal notices, the end
void report_missing_ends(Draft& draft, State& state, const Due& due);
void size_groups(Draft& draft, State& state, Due& due);       // Scale
void fill_groups(Draft& draft, State& state, Due& due);       // JoinGroup
void write_snapshot(Draft& draft, State& state, Due& due);    // SnapshotPart, last of all: it contains what all led to
void place_partitions(Draft& draft, State& state, Due& due);  // Assign, Releasing
void place_sources(Draft& draft, State& state, Due& due);     // AssignSource
void delete_topics(Draft& draft, State& state, Due& due);     // when the last process has let go

}  // namespace ride::master
