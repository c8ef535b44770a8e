// Producer: one process that runs the sources that the master gives it. Reads ride.decisions, reports by heartbeats.
// Threads: run() is the control thread; each source has a runner of its own. Failure: run() returns an Error when this
// incarnation must end; retriable: another one may go on (a writer failed for good; cancelled: it was declared lost).
// It has logged why then.
#pragma once

#include <atomic>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "common/environment.h"
#include "common/exit_codes.h"
#include "common/result.h"
#include "producer/core/assignments.h"
#include "producer/log_access.h"
#include "producer/shared_budget.h"
#include "producer/source_runner.h"
#include "producer/work_budget.h"
#include "stream/kafka/client_config.h"
#include "stream/member.h"

namespace ride::producer {

struct ProducerConfig {
  kafka::ClientConfig kafka;
  std::string prefix = "ride";
  std::string name = "producer";
  NodeName node;
  std::int64_t memory_bytes = 256 << 20;  // of frames on their way, all sources together
  // Ends the process when run() has an error to return and cannot, since a source is at work or a library waits.
  std::function<void(const Error&)> give_up = [](const Error&) { std::_Exit(kExitFailed); };
};

class Producer {
 public:
  Producer(ProducerConfig config, Environment environment);
  ~Producer();

  // Where /metrics is, for heartbeats. Before run().
  void set_http(std::string address) { http_ = std::move(address); }

  // Until `stop` is set: then finishes what is in flight and says goodbye.
  Result<void> run(const std::atomic<bool>& stop);

  // Any thread.
  std::vector<stream::SourceProgress> progress() const;
  std::int64_t held_bytes() { return budget_.held(); }
  std::int64_t refused_decisions() const { return refused_; }

 private:
  Result<void> control(const std::atomic<bool>& stop);
  void report_end(const Error& why);
  void reconcile(const std::map<SourceKey, Assignment>& wanted);
  std::map<SourceKey, Assignment> wanted();
  void start(const SourceKey& key, const Assignment& assignment);
  void stop_all();
  std::optional<Error> lasting_failure(const std::map<SourceKey, Assignment>& wanted);

  ProducerConfig config_;
  Environment environment_;
  std::string http_;
  SharedBudget budget_;
  std::unique_ptr<CrashNote> note_;  // what the agent reads when we end; null without an agent
  WorkBudget work_budget_;
  std::unique_ptr<LogAccess> log_;
  std::unique_ptr<stream::Member> member_;
  std::unique_ptr<Assignments> assignments_;
  std::atomic<std::int64_t> refused_ = 0;                               // records of the decisions log
  std::optional<std::chrono::steady_clock::time_point> failing_since_;  // a writer, of a source that is wanted
  bool isolated_ = false;                                               // no heartbeat got through for long
  mutable std::mutex mutex_;                                            // of runners_: heartbeats look at them
  std::map<SourceKey, std::unique_ptr<SourceRunner>> runners_;
};

}  // namespace ride::producer
