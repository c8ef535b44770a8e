#include "master/stage_view.h"

#include <algorithm>

#include "common/json.h"
#include "master/core/group_rates.h"
#include "master/core/totals.h"
#include "master/core/unreported.h"
#include "master/lacks.h"
#include "master/pool_words.h"
#include "master/stage_measures.h"
#include "master/view_values.h"
#include "stream/core/outcome_sums.h"

namespace ride::master {

using nlohmann::json;

StageSums sum(const StageReports* reports) {
  StageSums sums;
  if (reports == nullptr) return sums;
  for (std::size_t p = 0; p < reports->partitions.size(); ++p) {
    const auto& one = reports->partitions[p];
    sums.counters += one.counters;
  }
  const auto partitions =
      std::max(reports->partitions.size(), reports->measured.empty() ? 0 : reports->measured.rbegin()->first + 1);
  for (std::size_t p = 0; p < partitions; ++p) {
    const auto log = latest(*reports, p);
    if (!log) continue;
    sums.committed += log->committed;
    sums.end += log->end;
  }
  return sums;
}

namespace {

json partition_list(const Stage& stage, const StageReports* reports) {
  auto list = json::array();
  for (std::size_t p = 0; p < stage.partitions.size(); ++p) {
    const auto& partition = stage.partitions[p];
    json one = {{"partition", p},
                {"worker", partition.owner.value.empty() ? json() : json(partition.owner.value)},
                {"epoch", partition.epoch.value},
                {"releasing", partition.releasing}};
    const bool known =
        reports != nullptr && p < reports->partitions.size() && !reports->partitions[p].job.value.empty();
    const auto* progress = known ? &reports->partitions[p] : nullptr;
    const auto log = reports == nullptr ? std::nullopt : latest(*reports, p);
    one["committed"] = log ? json(log->committed) : progress == nullptr ? json() : json(progress->committed);
    one["position"] = progress == nullptr ? json() : json(progress->position);
    one["end"] = log ? json(log->end) : json();
    one["ended"] = progress != nullptr && progress->ended;
    list.push_back(std::move(one));
  }
  return list;
}

// What each of the group does: its own speed, which may differ from the others'.
json worker_speeds(const State& state, const Stage& stage) {
  auto list = json::array();
  for (const auto& worker : stage.actives) {
    const auto* process = process_of(state, worker);
    const bool heard = process != nullptr && process->heard;
    list.push_back({{"worker", worker.value},
                    {"fps", heard ? json(process->last.frames_per_second) : json()},
                    {"service_rate", heard ? or_null(service_rate_of(*process)) : json()},
                    {"utilisation", heard ? or_null(process->rate.utilisation()) : json()}});
  }
  return list;
}

// How large the group is, shall be and may be, and why.
void add_size(const stream::StageSpec& spec, const Stage& stage, json& view) {
  auto workers = json::array(), spares = json::array();
  for (const auto& worker : stage.actives) workers.push_back(worker.value);
  for (const auto& spare : stage.spares) spares.push_back(spare.value);
  view["workers"] = std::move(workers);
  view["spares"] = std::move(spares);
  view["wanted"] = wanted_workers(spec, stage);
  view["wanted_spares"] = spec.group.spares;
  view["min"] = spec.group.min;
  view["max"] = spec.group.max;
  view["held"] = stage.held;
  view["size_reason"] = stage.sized_because.empty() ? json() : json(stage.sized_because);
  view["sized_at"] = time_or_null(stage.sized_at);
}

void add_measures(const State& state, const Job& job, const stream::StageSpec& spec, json& view) {
  const auto measures = measures_of(state, job, spec);
  double fps = 0;
  for (const auto& worker : job.stages.at(StageName{spec.name})->actives)
    if (const auto* process = process_of(state, worker)) fps += process->last.frames_per_second;
  view["fps"] = fps;
  view["arrival_rate"] = or_null(measures.arrival);
  view["service_rate"] = or_null(measures.service_rate);
  view["utilisation"] = or_null(measures.utilisation);
  view["lag"] = or_null(measures.lag);
  view["lag_seconds"] = or_null(measures.lag_seconds);
  view["oldest_unacked_ms"] = or_null(measures.oldest_ms);
  view["worker_speeds"] = worker_speeds(state, *job.stages.at(StageName{spec.name}));
}

json names_of(const std::vector<stream::UpstreamSpec>& upstreams) {
  auto names = json::array();
  for (const auto& one : upstreams) names.push_back(one.name);
  return names;
}

}  // namespace

json stage_view(const State& state, const Job& job, const stream::StageSpec& spec) {
  const StageName name{spec.name};
  const auto& stage = *job.stages.at(name);
  const auto* reports = reports_of(state, job, name);
  const auto sums = sum(reports);
  const auto waiting = waiting_words(state, job, spec);
  const auto rejected = std::min(sums.counters.dropped, rejected_before(state, job, spec));  // travel as dropped
  // Of a job that was over before this master began, nobody reports any more: unknown is not zero.
  const auto reported = [](const stream::PartitionProgress& one) { return !one.job.value.empty(); };
  const bool unreported =
      is_over(job.phase) &&
      (reports == nullptr || std::none_of(reports->partitions.begin(), reports->partitions.end(), reported));
  const auto counted = [&](std::int64_t count) { return unreported ? json() : json(count); };
  json view = {{"job", job.spec->job.value},
               {"run", job.spec->run.value},
               {"stage", spec.name},
               {"topic", spec.topic},
               {"task", spec.task},
               {"sink", spec.sink},
               {"partitions", spec.partitions},
               {"waiting", waiting.empty() ? json() : json(waiting)},
               {"acked", counted(sums.counters.acked)},
               {"filtered", counted(sums.counters.filtered)},
               {"upstreams", names_of(spec.upstreams)},
               {"dropped", counted(sums.counters.dropped - rejected)},
               {"rejected", counted(rejected)},
               {"dead", counted(sums.counters.dead)},
               {"expired", counted(sums.counters.expired)},
               {"duplicates", counted(sums.counters.duplicates)},
               {"ended", reports != nullptr && reports->ended >= spec.partitions},
               {"partition_list", partition_list(stage, reports)}};
  add_size(spec, stage, view);
  add_measures(state, job, spec, view);
  return view;
}

json sizes_view(const State& state, const Job& job, const StageName& stage) {
  auto list = json::array();
  for (const auto& spec : job.spec->stages) {
    if (!stage.value.empty() && spec.name != stage.value) continue;
    json view = {{"stage", spec.name}, {"partitions", spec.partitions}};
    add_size(spec, *job.stages.at(StageName{spec.name}), view);
    list.push_back(std::move(view));
  }
  return {{"job", job.spec->job.value},
          {"run", job.spec->run.value},
          {"stages", list},
          {"lacks", lacks_view(lacks_of_sizes(state, job, stage))}};
}

}  // namespace ride::master
