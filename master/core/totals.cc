#include "master/core/totals.h"

#include <algorithm>

#include "stream/core/control_limits.h"

namespace ride::master {

bool is_last(const stream::StageSpec& stage) {
  return std::none_of(stage.outputs.begin(), stage.outputs.end(),
                      [](const auto& output) { return !output.to.empty(); });
}

stream::FrameTotals totals_of(const State& state, const Job& job) {
  stream::FrameTotals totals;
  for (const auto& source : job.spec->sources) {
    const auto reports = state.soft.sources.find({job.spec->job, job.spec->run, source.name});
    if (reports != state.soft.sources.end()) totals.in += reports->second.earlier_frames + reports->second.last.frames;
  }
  for (const auto& stage : job.spec->stages) {
    const auto reports = state.soft.stages.find({job.spec->job, job.spec->run, StageName{stage.name}});
    if (!is_last(stage) || reports == state.soft.stages.end()) continue;
    for (const auto& partition : reports->second.partitions) totals.out += partition.counters.acked;
  }
  const auto most = [](std::int64_t now, std::int64_t at_end) { return std::min(std::max(now, at_end), stream::kMostTotal); };
  return {most(totals.in, job.totals.in), most(totals.out, job.totals.out)};
}

}  // namespace ride::master
