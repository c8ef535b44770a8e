#include "master/stage_measures.h"

#include <algorithm>

#include "master/core/group_rates.h"

namespace ride::master {

namespace {

void add_partitions(const StageReports& reports, StageMeasures& measures) {
  bool known = false;
  double oldest_ms = -1;
  for (const auto& partition : reports.partitions) {
    oldest_ms = std::max(oldest_ms, partition.oldest_unacked_age_ms);
    known = known || (!partition.job.value.empty() && partition.end >= 0);
  }
  if (oldest_ms >= 0) measures.oldest_ms = oldest_ms;
  if (known) measures.lag = reports.flow.lag();
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
  if (const auto reports = state.soft.stages.find({job.spec->job, job.spec->run, name}); reports != state.soft.stages.end())
    add_partitions(reports->second, measures);
  if (is_over(job.phase)) measures.oldest_ms.reset();  // nothing waits any more, whatever the last words were
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
