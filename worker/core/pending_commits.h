// PendingCommits: which commits are to be written, which ones stand, and which were lowered by a predecessor's late one
// and have to be written again (decision 0033). Pure: no I/O, clock or threads. Owner: the committer, or the simulator.
#pragma once

#include <map>
#include <vector>

#include "stream/core/record.h"

namespace ride::worker {

class PendingCommits {
 public:
  using Commits = std::map<stream::TopicPartition, stream::Commit>;

  // The newest of a partition replaces an older one that was not written yet.
  void put(const stream::TopicPartition& at, stream::Commit commit) { pending_[at] = std::move(commit); }
  // Nothing more is committed for this partition.
  void forget(const stream::TopicPartition& at);

  bool idle() const { return pending_.empty(); }
  // What is to be written now; then exactly one of written() and refused().
  Commits take();
  void written(const Commits& commits);
  void refused(Commits commits);  // to be tried again, unless a newer one came meanwhile

  // What to read back, and what was found: the partitions whose commit was lowered, which are to be written again.
  std::vector<stream::TopicPartition> standing() const;
  std::vector<stream::TopicPartition> read_back(
      const std::map<stream::TopicPartition, std::optional<stream::Commit>>& found);
  const stream::Commit* stands(const stream::TopicPartition& at) const;

 private:
  Commits pending_;
  Commits standing_;  // as we last wrote them
};

}  // namespace ride::worker
