#include "master/core/totals.h"

#include <algorithm>
#include <set>

#include "stream/core/control_limits.h"
#include "stream/core/outcome_sums.h"

namespace ride::master {

bool is_last(const stream::StageSpec& stage) {
  return std::none_of(stage.outputs.begin(), stage.outputs.end(),
                      [](const auto& output) { return !output.to.empty(); });
}

namespace {

const SourceReports* reports_of(const State& state, const Job& job, const std::string& source) {
  const auto found = state.soft.sources.find({job.spec->job, job.spec->run, source});
  return found == state.soft.sources.end() ? nullptr : &found->second;
}

stream::OutcomeCounters counters_of(const State& state, const Job& job, const stream::StageSpec& stage) {
  stream::OutcomeCounters sum;
  const auto reports = state.soft.stages.find({job.spec->job, job.spec->run, StageName{stage.name}});
  if (reports == state.soft.stages.end()) return sum;
  for (const auto& one : reports->second.partitions) sum += one.counters;
  return sum;
}

void add_sources_before(const Job& job, const stream::StageSpec& stage, std::set<std::string>& seen,
                        std::set<std::string>& sources) {
  for (const auto& upstream : stage.upstreams) {
    if (!seen.insert(upstream.name).second) continue;
    if (upstream.is_source) {
      sources.insert(upstream.name);
    } else if (const auto* before = job.spec->stage(upstream.name)) {
      add_sources_before(job, *before, seen, sources);
    }
  }
}

bool reads_only_sources(const stream::StageSpec& stage) {
  return !stage.adopt && !stage.upstreams.empty() &&
         std::all_of(stage.upstreams.begin(), stage.upstreams.end(), [](const auto& one) { return one.is_source; });
}

}  // namespace

std::int64_t reported_frames(const SourceReports* reports) {
  if (reports == nullptr) return 0;
  return std::min(std::max(reports->earlier_frames, reports->last.earlier) + reports->last.frames, stream::kMostTotal);
}

std::int64_t frames_of(const State& state, const Job& job, const std::string& source) {
  auto frames = reported_frames(reports_of(state, job, source));
  for (const auto& stage : job.spec->stages) {
    if (!reads_only_sources(stage) || stage.upstreams.size() != 1 || stage.upstreams.front().name != source) continue;
    // What a source dropped or refused comes as dropped, and is no frame of it; a dead record may be anybody's.
    const auto counters = counters_of(state, job, stage);
    frames = std::max(frames, counters.acked + counters.filtered);
  }
  return frames;
}

std::int64_t rejected_before(const State& state, const Job& job, const stream::StageSpec& stage) {
  std::set<std::string> seen, sources;
  add_sources_before(job, stage, seen, sources);
  std::int64_t rejected = 0;
  for (const auto& source : sources)
    if (const auto* reports = reports_of(state, job, source))
      rejected += std::max<std::int64_t>(0, reports->last.rejected);
  return rejected;
}

std::int64_t finished_by(const State& state, const Job& job, const stream::StageSpec& stage) {
  const auto counters = counters_of(state, job, stage);
  return stream::finished(counters);
}

std::optional<std::int64_t> given_to(const State& state, const Job& job, const stream::StageSpec& stage) {
  if (stage.adopt || stage.upstreams.empty()) return std::nullopt;
  std::int64_t given = 0;
  for (const auto& upstream : stage.upstreams) {
    if (upstream.is_source) {
      const auto* reports = reports_of(state, job, upstream.name);
      if (reports == nullptr || reported_frames(reports) == 0) return std::nullopt;
      given += frames_of(state, job, upstream.name) + std::max<std::int64_t>(0, reports->last.dropped) +
               std::max<std::int64_t>(0, reports->last.rejected);
    } else {
      const auto* before = job.spec->stage(upstream.name);
      const auto finished = before == nullptr ? 0 : finished_by(state, job, *before);
      if (finished == 0) return std::nullopt;
      given += finished;
    }
  }
  return given;
}

stream::FrameTotals totals_of(const State& state, const Job& job) {
  stream::FrameTotals totals;
  for (const auto& source : job.spec->sources) totals.in += frames_of(state, job, source.name);
  for (const auto& stage : job.spec->stages) {
    const auto reports = state.soft.stages.find({job.spec->job, job.spec->run, StageName{stage.name}});
    if (!is_last(stage) || reports == state.soft.stages.end()) continue;
    for (const auto& partition : reports->second.partitions) totals.out += partition.counters.acked;
  }
  const auto most = [](std::int64_t now, std::int64_t at_end) {
    return std::min(std::max(now, at_end), stream::kMostTotal);
  };
  return {most(totals.in, job.totals.in), most(totals.out, job.totals.out)};
}

}  // namespace ride::master
