// LagMeter: asks Kafka how far the logs reach of which no owner reports, and what is committed of them, so that a stage
// without workers does not look as if nothing waited. Asks for a bounded time and goes on where it stopped. Threads:
// one. Failure: of one partition ends the round; what was asked before it counts.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "master/core/unreported.h"
#include "stream/ports.h"

namespace ride::master {

class LagMeter {
 public:
  LagMeter(stream::TopicAdmin& admin, stream::CommitStore& commits) : admin_(admin), commits_(commits) {}

  // After this one the next round begins; null: with the first.
  const UnreportedPartition* last() const { return last_ ? &*last_ : nullptr; }

  struct Round {
    LogsMeasured measured;
    std::optional<Error> failure;
  };
  // `partitions`: those of a stage side by side.
  Round measure(const std::vector<UnreportedPartition>& partitions, std::chrono::milliseconds budget);

 private:
  stream::TopicAdmin& admin_;
  stream::CommitStore& commits_;
  std::optional<UnreportedPartition> last_;
};

}  // namespace ride::master
