#include "master/stage_measures.h"

#include <algorithm>

namespace ride::master {

namespace {

// The mean of what is known.
class Mean {
 public:
  void add(std::optional<double> value) {
    if (!value) return;
    sum_ += *value;
    ++count_;
  }
  std::optional<double> value() const { return count_ == 0 ? std::nullopt : std::optional(sum_ / count_); }

 private:
  double sum_ = 0;
  int count_ = 0;
};

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

std::optional<double> service_rate_of(const Process& process) {
  if (const auto rate = process.rate.frames_per_busy_second()) return rate;
  return process.last.service_rate > 0 ? std::optional(process.last.service_rate) : std::nullopt;
}

StageMeasures measures_of(const State& state, const Job& job, const stream::StageSpec& spec) {
  const StageName name{spec.name};
  StageMeasures measures;
  Mean rate, busy;
  const auto& stage = *job.stages.at(name);
  for (const auto& worker : stage.actives) {
    const auto process = state.soft.processes.find(worker);
    if (process == state.soft.processes.end() || !process->second.heard) continue;
    rate.add(service_rate_of(process->second));
    busy.add(process->second.rate.utilisation());
  }
  measures.service_rate = rate.value();
  measures.utilisation = busy.value();
  if (const auto reports = state.soft.stages.find({job.spec->job, job.spec->run, name}); reports != state.soft.stages.end())
    add_partitions(reports->second, measures);
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
