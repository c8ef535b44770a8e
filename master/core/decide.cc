#include "master/core/decide.h"

#include <utility>

#include "master/core/steps.h"

namespace ride::master {

namespace {

// A new leader knows nothing of what its predecessor was about to do: it looks at all.
void look_at_everything(Draft& draft, const State& state, Due& due) {
  due.pool = due.sources = true;
  for (const auto& [name, job] : state.hard.jobs) {
    if (is_over(job->phase) && job->next == nullptr) continue;
    due.ends.insert(name);
    if (is_over(job->phase)) continue;
    for (const auto& [stage_name, stage] : job->stages) due.stages.insert({name, job->spec->run, stage_name});
    if (job->phase == JobPhase::creating) draft.act(EnsureTopics{job->spec});
  }
}

}  // namespace

void stand_by(State& state, std::span<const Event> events) {
  for (const auto& event : events) observe(state, event);
  Due due = std::exchange(state.soft.due, {});
  auto& kept = state.soft.due;
  std::set<WorkerId> reported;
  for (auto& departure : due.departures) {
    const bool counts =
        !departure.silent && !state.hard.is_out(departure.worker) && reported.insert(departure.worker).second;
    if (counts && is_known(state, state.hard, departure.worker)) kept.departures.push_back(std::move(departure));
  }
  std::set<std::string> failing;  // once is enough: nobody acts on it before the next leader does
  for (auto& notice : due.fatal) {
    const auto job = state.hard.jobs.find(JobName{notice.job});
    if (job != state.hard.jobs.end() && !is_over(job->second->phase) && failing.insert(notice.job).second)
      kept.fatal.push_back(std::move(notice));
  }
}

void step_down(State& state) {
  state.soft.leaving.clear();
  state.soft.deletions.clear();
  stand_by(state, {});
}

std::vector<Action> decide(State& state, std::span<const Event> events, SystemTime now) {
  for (const auto& event : events) observe(state, event);
  if (!state.soft.due.any()) return {};
  Due due = std::exchange(state.soft.due, {});
  Draft draft(state.hard, now);
  if (due.everything) look_at_everything(draft, state, due);
  settle_strikes(draft, due);
  settle_losses(draft, state, due);
  settle_requests(draft, state, due);
  settle_jobs(draft, state, due);
  report_missing_ends(draft, state, due);
  size_groups(draft, state, due);
  fill_groups(draft, state, due);
  place_partitions(draft, state, due);
  place_sources(draft, state, due);
  delete_topics(draft, state, due);
  write_snapshot(draft, state, due);
  return draft.take();
}

}  // namespace ride::master
