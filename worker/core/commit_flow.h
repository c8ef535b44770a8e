// CommitFlow: what is asked of the store of committed offsets, and when: the newest commit of each partition is
// written, a refused one again after a while, and every second those that stand are read back, since a late commit of a
// predecessor may have lowered one (decision 0033). One request at a time. Pure: time comes as an argument. Owner:
// whoever asks the store for it (Committer; the simulator).
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <variant>
#include <vector>

#include "common/result.h"
#include "worker/core/pending_commits.h"

namespace ride::worker {

class CommitFlow {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Found = std::map<stream::TopicPartition, std::optional<stream::Commit>>;
  struct Write {
    PendingCommits::Commits commits;
  };
  struct ReadBack {
    std::vector<stream::TopicPartition> at;
  };
  using Request = std::variant<Write, ReadBack>;

  explicit CommitFlow(TimePoint now);

  // The newest of a partition replaces an older one that was not written yet.
  void put(const stream::TopicPartition& at, stream::Commit commit);
  // Nothing more is committed for this partition, whatever becomes of what is on its way.
  void forget(const stream::TopicPartition& at);

  // What to ask the store now; then nothing more, until it is answered(). Nothing: look again at next_at(), or after
  // the next put().
  std::optional<Request> next(TimePoint now);
  TimePoint next_at() const;
  // At the end: what was not written yet, however long it was to wait.
  std::optional<Request> last();

  // A write that passes by itself is tried again; another error is kept in failed(), the first one.
  void answered(Write write, const Result<void>& result, TimePoint now);
  // The partitions whose commit was lowered; theirs is written again. What could not be asked is asked the next time.
  std::vector<stream::TopicPartition> answered(const ReadBack& request, const Result<Found>& found, TimePoint now);

  const stream::Commit* stands(const stream::TopicPartition& at) const { return pending_.stands(at); }
  const std::optional<Error>& failed() const { return failure_; }

 private:
  PendingCommits pending_;
  std::optional<Error> failure_;
  TimePoint read_back_at_, retry_at_;
  bool asked_ = false;                          // the answer is on its way
  std::set<stream::TopicPartition> forgotten_;  // meanwhile
};

}  // namespace ride::worker
