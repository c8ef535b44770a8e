// Committer: asks the store for what a CommitFlow says, beside the flow of frames.
// Threads: one inner thread; all methods may be called from any. Failure: as CommitSink says.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "stream/ports.h"
#include "worker/commit_sink.h"
#include "worker/core/commit_flow.h"

namespace ride::worker {

class Committer final : public CommitSink {
 public:
  // `committed` is called on the committer's thread.
  Committer(std::shared_ptr<stream::CommitStore> store, std::string group, Committed committed);
  ~Committer() override;

  void put(const stream::TopicPartition& at, stream::Commit commit) override;
  void forget(const stream::TopicPartition& at) override;
  std::optional<Error> failed() const override;

 private:
  void loop();
  void ask(std::unique_lock<std::mutex>& lock, CommitFlow::Write& write);
  void ask(std::unique_lock<std::mutex>& lock, const CommitFlow::ReadBack& request);

  std::shared_ptr<stream::CommitStore> store_;
  const std::string group_;
  Committed committed_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  CommitFlow flow_;
  std::optional<Error> died_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace ride::worker
