// CommitSink: who writes the commits of a stage: Committer, on a thread of its own, or the simulator. Threads: as the
// implementation says. Failure: errors that pass by themselves are tried again for ever; the first other one is kept in
// failed().
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "common/result.h"
#include "stream/core/record.h"

namespace ride::worker {

class CommitSink {
 public:
  virtual ~CommitSink() = default;
  virtual void put(const stream::TopicPartition& at, stream::Commit commit) = 0;
  // Nothing more is committed for this partition.
  virtual void forget(const stream::TopicPartition& at) = 0;
  virtual std::optional<Error> failed() const = 0;
};

// Called after the store has taken it.
using Committed = std::function<void(const stream::TopicPartition&, const stream::Commit&)>;
using MakeCommitSink = std::function<std::unique_ptr<CommitSink>(Committed)>;

}  // namespace ride::worker
