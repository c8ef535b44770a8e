// Losses become WorkerOut: its partitions have no owner from then on, and its group and its sources are looked at.
#include "master/core/steps.h"

namespace ride::master {

namespace {

bool is_known(const State& state, const Hard& hard, const WorkerId& worker) {
  if (state.soft.processes.contains(worker) || hard.member(worker) != nullptr) return true;
  for (const auto& [name, job] : hard.jobs)
    for (const auto& [source_name, source] : job->sources)
      if (source.producer == worker) return true;
  return false;
}

}  // namespace

void settle_losses(Draft& draft, State& state, Due& due) {
  for (const auto& departure : due.departures) {
    const auto& hard = draft.hard();
    if (hard.is_out(departure.worker) || !is_known(state, hard, departure.worker)) continue;
    if (const auto* member = hard.member(departure.worker)) due.stages.insert(member->stage);
    due.pool = due.sources = true;
    state.soft.leaving[departure.worker] = departure;
    draft.decide(stream::WorkerOut{.worker = departure.worker, .reason = departure.reason, .at = draft.now()});
  }
}

}  // namespace ride::master
