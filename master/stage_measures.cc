#include "master/stage_measures.h"

#include <algorithm>

#include "master/core/group_rates.h"
#include "master/core/totals.h"
#include "master/core/unreported.h"

namespace ride::master {

namespace {

std::int64_t open_records(std::int64_t committed, std::int64_t end) {
  return std::max<std::int64_t>(0, end - committed);
}

void add_partitions(const StageReports& reports, StageMeasures& measures) {
  bool known = !reports.measured.empty();
  double oldest_ms = -1;
  for (std::size_t p = 0; p < reports.partitions.size(); ++p) {
    const auto& reported = reports.partitions[p];
    // What was oldest in the time of its last owner says nothing of now.
    if (!reports.measured.contains(p)) oldest_ms = std::max(oldest_ms, reported.oldest_unacked_age_ms);
    known = known || (!reported.job.value.empty() && reported.end >= 0);
  }
  if (oldest_ms >= 0) measures.oldest_ms = oldest_ms;
  std::int64_t unreported = 0;
  for (const auto& [p, measured] : reports.measured) {
    const auto now = *latest(reports, p);
    unreported += open_records(now.committed, now.end);
    if (p < reports.partitions.size() && !reports.partitions[p].job.value.empty() && reports.partitions[p].end >= 0)
      unreported -=
          open_records(reports.partitions[p].committed, reports.partitions[p].end);  // the flow has counted it
  }
  if (known) measures.lag = reports.flow.lag(unreported);
  measures.arrival = reports.flow.arrival();
}

}  // namespace

StageMeasures measures_of(const State& state, const Job& job, const stream::StageSpec& spec) {
  const StageName name{spec.name};
  StageMeasures measures;
  const auto& stage = *job.stages.at(name);
  const auto rates = rates_of(state.soft, stage.actives);
  measures.service_rate = rates.mean;
  measures.utilisation = rates.utilisation;
  if (const auto reports = state.soft.stages.find({job.spec->job, job.spec->run, name});
      reports != state.soft.stages.end())
    add_partitions(reports->second, measures);
  // Kafka counts records: chunks, ends, and parts of sets. While few frames are through, only those before it know how
  // many frames these are. More than they count may come from `ride dead replay`.
  if (const auto given = given_to(state, job, spec); measures.lag && given) {
    const auto waiting = *given - finished_by(state, job, spec);
    if (waiting >= 0) measures.lag = std::min(*measures.lag, waiting);
  }
  // Nobody counts what comes in; the lag is asked for (unreported.h), the rate is not.
  const bool owned = std::any_of(stage.partitions.begin(), stage.partitions.end(),
                                 [](const Partition& one) { return !one.owner.value.empty(); });
  if (!owned) measures.arrival.reset();
  if (is_over(job.phase)) measures.oldest_ms.reset();  // nothing waits any more, whatever the last reports were
  if (measures.lag && job.phase == JobPhase::completed) measures.lag = 0;
  if (measures.lag && *measures.lag == 0)
    measures.lag_seconds = 0;
  else if (measures.lag && measures.service_rate && *measures.service_rate > 0 && !stage.actives.empty())
    measures.lag_seconds =
        static_cast<double>(*measures.lag) / (*measures.service_rate * static_cast<double>(stage.actives.size()));
  return measures;
}

int wanted_with_spares(const Job& job) {
  int wanted = 0;
  for (const auto& spec : job.spec->stages)
    wanted += wanted_workers(spec, *job.stages.at(StageName{spec.name})) + spec.group.spares;
  return wanted;
}

}  // namespace ride::master
