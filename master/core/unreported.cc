#include "master/core/unreported.h"

#include <algorithm>

namespace ride::master {

namespace {

bool is_reported(const Partition& partition, const StageReports* reports, std::size_t index) {
  if (partition.owner.value.empty()) return false;
  if (reports == nullptr || index >= reports->partitions.size()) return false;
  const auto& reported = reports->partitions[index];
  return !reported.job.value.empty() && reported.epoch == partition.epoch && reported.end >= 0;
}

const StageReports* reports_of(const State& state, const StageKey& key) {
  const auto found = state.soft.stages.find(key);
  return found == state.soft.stages.end() ? nullptr : &found->second;
}

void add_unreported(const State& state, const Job& job, std::vector<UnreportedPartition>& list) {
  for (const auto& spec : job.spec->stages) {
    const StageKey key{job.spec->job, job.spec->run, StageName{spec.name}};
    const auto* stage = state.hard.find(key);
    if (stage == nullptr) continue;
    const auto* reports = reports_of(state, key);
    for (std::size_t p = 0; p < stage->partitions.size(); ++p)
      if (!is_reported(stage->partitions[p], reports, p))
        list.push_back({key, spec.topic, spec.group_id, PartitionId{static_cast<std::int32_t>(p)}});
  }
}

}  // namespace

std::vector<UnreportedPartition> unreported_partitions(const State& state, std::size_t most,
                                                       const UnreportedPartition* after) {
  std::vector<UnreportedPartition> list;
  for (const auto& [name, job] : state.hard.jobs)
    if (has_owners(job->phase)) add_unreported(state, *job, list);
  std::sort(list.begin(), list.end());
  if (list.size() <= most) return list;
  if (after != nullptr) std::rotate(list.begin(), std::upper_bound(list.begin(), list.end(), *after), list.end());
  list.resize(most);
  return list;
}

std::optional<MeasuredLog> latest(const StageReports& reports, std::size_t partition) {
  std::optional<MeasuredLog> log;
  if (partition < reports.partitions.size())
    if (const auto& reported = reports.partitions[partition]; !reported.job.value.empty() && reported.end >= 0)
      log = MeasuredLog{reported.committed, reported.end};
  const auto measured = reports.measured.find(partition);
  if (measured == reports.measured.end()) return log;
  if (!log) return measured->second;
  return MeasuredLog{std::max(log->committed, measured->second.committed), std::max(log->end, measured->second.end)};
}

void record_measured(State& state, const LogsMeasured& measured) {
  for (const auto& one : measured.partitions) {
    const auto* stage = state.hard.find(one.stage);
    const auto index = static_cast<std::size_t>(one.partition.value);
    if (stage == nullptr || one.partition.value < 0 || index >= stage->partitions.size()) continue;
    auto& reports = state.soft.stages[one.stage];
    if (is_reported(stage->partitions[index], &reports, index))
      continue;  // its owner has reported meanwhile, and knows more
    reports.measured[index] = {one.committed.value, one.end.value};
  }
}

}  // namespace ride::master
