// JobStory: what the decisions say about one job, whether the log still begins with its acceptance or with a snapshot.
// Pure.
#pragma once

#include <optional>

#include "common/result.h"
#include "stream/control.h"
#include "stream/core/snapshot.h"

namespace ride::ledger {

class JobStory {
 public:
  explicit JobStory(JobName job) : job_(std::move(job)) {}

  // Every decision that counts, in log order. Failure: a snapshot of another version.
  Result<void> apply(const stream::Decision& decision);

  const std::optional<stream::JobSpec>& spec() const { return spec_; }  // of the latest run; nothing: no such job
  stream::JobPhase phase() const { return phase_; }

 private:
  void restore(const stream::Snapshot& snapshot);

  JobName job_;
  stream::SnapshotAssembler snapshots_;
  std::optional<stream::JobSpec> spec_;
  stream::JobPhase phase_ = stream::JobPhase::creating;
};

}  // namespace ride::ledger
