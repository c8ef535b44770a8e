// Recorder: watches a running job from outside: every frame that leaves it, and every decision of the master, each with its
// time. One inner thread reads; start it when the job runs. Threads: the methods may be called from any. Failure: what
// stopped the reading is told by failed() and by statement(). Memory: some 40 bytes a frame until forget_before().
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "chaos/core/effect.h"
#include "common/result.h"
#include "ledger/follower.h"
#include "ledger/sink_files.h"
#include "stream/control_client.h"

namespace ride::chaos {

struct SeenDecision {
  SystemTime written{};  // when its master sent it
  stream::Decision decision;
};

class Recorder {
 public:
  static Result<std::unique_ptr<Recorder>> start(const kafka::ClientConfig& config, const std::string& prefix,
                                                 const JobName& job, std::chrono::milliseconds timeout);
  ~Recorder();

  // First arrivals at the topics where frames leave the job; where there are none, at the sinks' topics.
  std::vector<Arrival> arrivals_since(SystemTime arrived) const;
  std::vector<SeenDecision> decisions_since(SystemTime written) const;
  std::int64_t repeated() const;  // records so far that readers drop, over all topics
  void forget_before(SystemTime arrived);

  const stream::JobSpec& spec() const { return spec_; }
  std::optional<Error> failed() const;
  // Ends the reading and tells what became of every frame; waits up to `patience` for what is still open.
  Result<ledger::Statement> finish(std::chrono::milliseconds patience);
  // After finish().
  std::vector<ledger::SinkFiles> sink_files(const std::filesystem::path& base) const;

 private:
  Recorder(std::unique_ptr<ledger::Follower> follower, std::unique_ptr<stream::ControlReader> decisions);
  void run();
  void read_decisions();
  void stop();

  std::unique_ptr<ledger::Follower> follower_;  // inner thread
  std::unique_ptr<stream::ControlReader> decisions_;
  stream::JobSpec spec_;
  std::set<std::string> exits_;
  mutable std::mutex mutex_;
  std::vector<Arrival> arrivals_;
  std::vector<SeenDecision> seen_;
  std::int64_t repeated_ = 0;
  std::optional<Error> failure_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace ride::chaos
