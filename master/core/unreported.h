// Partitions whose progress nobody reports: they have no owner, or one that has not seen their log yet. Frames come
// into their logs all the same, so a shell asks Kafka and posts a LogsMeasured. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "master/core/event.h"

namespace ride::master {

struct UnreportedPartition {
  StageKey stage;
  std::string topic, group_id;
  PartitionId partition;
  auto operator<=>(const UnreportedPartition&) const = default;
};

// In order, of jobs that may have owners; of more than `most` those behind `after` (then again from the first).
std::vector<UnreportedPartition> unreported_partitions(const State& state, std::size_t most,
                                                       const UnreportedPartition* after = nullptr);

// What Kafka reported, where still nobody else does. It stands beside what owners report: counters and offsets of
// theirs belong together, and the sizes of groups follow them alone.
void record_measured(State& state, const LogsMeasured& measured);

// The later of what its last owner reported and what was measured since; nothing: neither.
std::optional<MeasuredLog> latest(const StageReports& reports, std::size_t partition);

}  // namespace ride::master
