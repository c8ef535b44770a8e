// Losses become WorkerOut: its partitions have no owner from then on, and its group and its sources are looked at.
#include <spdlog/fmt/fmt.h>

#include "master/core/steps.h"

namespace ride::master {

bool is_known(const State& state, const Hard& hard, const WorkerId& worker) {
  if (state.soft.processes.contains(worker) || hard.member(worker) != nullptr) return true;
  for (const auto& [name, job] : hard.jobs)
    for (const auto& [source_name, source] : job->sources)
      if (source.producer == worker) return true;
  return false;
}

void settle_losses(Draft& draft, State& state, Due& due) {
  if (due.mass_silent > 0)
    draft.act(Notify{
        .severity = stream::Severity::warning,
        .code = "many_silent",
        .text = fmt::format("{} of {} processes fell silent at once: for {} s only deaths that agents see count",
                            due.mass_silent, state.soft.processes.size(), state.rules.mass_silence.count() / 1000)});
  if (due.refused > 0)
    draft.act(Notify{
        .severity = stream::Severity::warning,
        .code = "members_refused",
        .text = fmt::format("{} heartbeats of processes that nobody announced were refused: {} such processes are "
                            "kept, and there may be {}. Does somebody write reports who should not? (agents "
                            "announce their own; for who may write see the access rules of the topics)",
                            due.refused, state.soft.admission.unannounced, state.rules.most_unannounced)});
  for (const auto& load : due.loads)
    draft.act(Notify{.severity = load.slow ? stream::Severity::warning : stream::Severity::info,
                     .code = load.slow ? "overloaded" : "overload_over",
                     .text = load.text});
  for (const auto& departure : due.departures) {
    const auto& hard = draft.hard();
    if (hard.is_out(departure.worker) || !is_known(state, hard, departure.worker)) continue;
    if (const auto* member = hard.member(departure.worker)) due.stages.insert(member->stage);
    due.pool = due.sources = true;
    state.soft.leaving[departure.worker] = departure;
    draft.decide(stream::WorkerOut{
        .worker = departure.worker, .reason = departure.reason, .silent = departure.silent, .at = draft.now()});
  }
  for (const auto& [worker, reason] : due.names_taken) {
    if (draft.hard().is_out(worker)) continue;
    due.pool = due.sources = true;
    draft.decide(stream::WorkerOut{.worker = worker, .reason = reason, .at = draft.now(), .refused = true});
  }
}

}  // namespace ride::master
