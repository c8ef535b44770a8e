// Recorder: watches a running job from outside: every frame that leaves it, and every decision of the master, each with
// its time. One inner thread reads; start it when the job runs. Threads: the methods may be called from any. Failure:
// what stopped the reading is reported by failed() and by statement(). Memory: some 200 bytes a frame.
#pragma once

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "chaos/core/effect.h"
#include "common/result.h"
#include "ledger/follower.h"
#include "ledger/sink_files.h"
#include "stream/control_client.h"
#include "stream/core/decisions_filter.h"

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
  std::int64_t repeated_between(SystemTime from, SystemTime to) const;
  std::set<std::string> owners() const;  // incarnations that own a partition of the job now, as the log says
  stream::JobPhase phase() const;        // of the job
  std::string leader_url() const;        // of the standing master's API; empty: none has claimed yet
  // When a source frame was captured; nothing for one that was not seen.
  std::optional<SystemTime> captured_at(const ledger::SessionKey& session_key, std::int64_t number) const;

  std::vector<SystemTime> captures() const;  // of all source frames that were seen, in their order

  const stream::JobSpec& spec() const { return spec_; }
  std::optional<Error> failed() const;
  // Ends the reading and returns what became of every frame; waits up to `patience` for what is still open.
  Result<ledger::Statement> finish(std::chrono::milliseconds patience);
  // After finish().
  std::vector<ledger::SinkFiles> sink_files(const std::filesystem::path& base) const;

 private:
  Recorder(std::unique_ptr<ledger::Follower> follower, std::unique_ptr<stream::ControlReader> decisions);
  void run();
  void read_decisions();
  void record(const ledger::Sighting& seen);
  void note(const stream::Decision& decision);
  void stop();

  std::unique_ptr<ledger::Follower> follower_;  // inner thread
  std::unique_ptr<stream::ControlReader> decisions_;
  stream::JobSpec spec_;
  std::set<std::string> exits_, sources_;
  mutable std::mutex mutex_;
  std::vector<Arrival> arrivals_;
  std::vector<SeenDecision> seen_;
  std::vector<SystemTime> repeats_;
  std::map<std::pair<std::string, std::int32_t>, std::string> owners_;  // by stage and partition
  stream::DecisionsFilter filter_;
  std::string leader_url_;
  stream::JobPhase phase_ = stream::JobPhase::creating;
  std::map<std::pair<ledger::SessionKey, std::int64_t>, SystemTime> captured_;
  std::optional<Error> failure_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace ride::chaos
