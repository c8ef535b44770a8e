#include "master/lag_meter.h"

namespace ride::master {

using std::chrono::steady_clock;

LagMeter::Round LagMeter::measure(const std::vector<UnreportedPartition>& partitions,
                                  std::chrono::milliseconds budget) {
  const auto until = steady_clock::now() + budget;
  Round round;
  std::map<stream::TopicPartition, std::optional<stream::Commit>> commits;  // of the stage that is looked at
  const StageKey* stage = nullptr;
  for (std::size_t i = 0; i < partitions.size() && steady_clock::now() < until; ++i) {
    const auto& one = partitions[i];
    if (stage == nullptr || *stage != one.stage) {
      std::vector<stream::TopicPartition> wanted;
      for (std::size_t k = i; k < partitions.size() && partitions[k].stage == one.stage; ++k)
        wanted.push_back({one.topic, partitions[k].partition});
      auto found = commits_.committed(one.group_id, wanted);
      if (!found.ok()) {
        round.failure = found.error();
        break;
      }
      commits = std::move(*found);
      stage = &one.stage;
    }
    last_ = one;  // also of one that fails: the others have their turn
    const stream::TopicPartition at{one.topic, one.partition};
    const auto range = admin_.range(at);
    if (!range.ok()) {
      round.failure = range.error();
      break;
    }
    const auto commit = commits.find(at);
    const bool known = commit != commits.end() && commit->second.has_value();
    round.measured.partitions.push_back(
        {one.stage, one.partition, known ? commit->second->offset : range->first, range->end});
  }
  return round;
}

}  // namespace ride::master
