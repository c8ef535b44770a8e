// Committer: writes committed offsets beside the flow of frames, the newest of each partition, and reads them back
// every second: a late commit of a predecessor may have lowered one (decision 0033).
// Threads: one inner thread; all methods may be called from any. Failure: retriable errors are tried again for ever;
// the first other one is kept in failed().
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "stream/ports.h"
#include "worker/core/pending_commits.h"

namespace ride::worker {

class Committer {
 public:
  // Called on the committer's thread, after the store has taken it.
  using Committed = std::function<void(const stream::TopicPartition&, const stream::Commit&)>;

  Committer(std::shared_ptr<stream::CommitStore> store, std::string group, Committed committed);
  ~Committer();

  void put(const stream::TopicPartition& at, stream::Commit commit);
  // Nothing more is committed for this partition.
  void forget(const stream::TopicPartition& at);
  std::optional<Error> failed() const;

 private:
  void loop();
  void write(std::unique_lock<std::mutex>& lock);
  void read_back(std::unique_lock<std::mutex>& lock);

  std::shared_ptr<stream::CommitStore> store_;
  const std::string group_;
  Committed committed_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  PendingCommits pending_;
  std::optional<Error> failure_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace ride::worker
