// Worker: one process that owns partitions of one stage at a time. Reads its duty from the decisions log, runs the
// stage's data plane, reports by heartbeats. Threads: run() is the control thread. Failure: run() returns an Error
// when this incarnation must end, and has reported why; retriable: another one may go on (cancelled: it was declared
// lost; else a connection failed for good). While Kafka is out of reach it begins nothing, and keeps what it has begun.
#pragma once

#include <atomic>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "common/exit_codes.h"
#include "common/result.h"
#include "stream/kafka/client_config.h"
#include "stream/member.h"
#include "worker/core/assignment_view.h"
#include "worker/core/decisions_question.h"
#include "worker/core/speed_window.h"
#include "worker/core/taken_partitions.h"
#include "worker/core_lease.h"
#include "worker/stage_runner.h"

namespace ride::worker {

struct WorkerConfig {
  kafka::ClientConfig kafka;
  std::string prefix = "ride";
  std::string name;
  NodeName node;
  std::map<std::string, std::string> labels;              // that groups may ask for
  bool drop_duplicates = true;                            // false only in the test that shows that the ledger notices
  PluginPermit plugins;                                   // that jobs bring and it may load
  std::string artifacts;                                  // folder of their cache; empty: artifacts_folder()
  tasks::TaskRegistry registry = tasks::builtin_tasks();  // the tasks that it can run
  // Ends the process when run() has an error to return and cannot, since a task is at work or a library waits.
  std::function<void(const Error&)> give_up = [](const Error&) { std::_Exit(kExitFailed); };
};

class Worker {
 public:
  explicit Worker(WorkerConfig config) : config_(std::move(config)), note_(CrashNote::inherited()) {}

  // Until `stop` is set: then finishes what was read, commits, says goodbye.
  Result<void> run(const std::atomic<bool>& stop);

  // For /metrics; from any thread.
  std::string metrics() const;
  // Where they are served, for the heartbeat. Before run().
  void set_http(std::string address) { http_ = std::move(address); }

 private:
  Result<void> control(const std::atomic<bool>& stop);
  static Error passing(Error error);
  std::optional<Error> must_end(const DesiredState& duty) const;
  std::optional<Error> has_another_plugin(const DesiredState& duty) const;
  void end(const Error& why);
  void watch_reach();
  void fill(stream::Heartbeat& beat);
  void reconcile(const DesiredState& duty);
  void open_stage(const StageKey& key);
  void close_stage();
  void reserve_cores(const DesiredState& duty);
  void reconcile_partitions(const DesiredState& duty);
  void on_released(const StageKey& key, PartitionId partition);
  void leave();
  void report_gone_topic(const Error& failure);
  void answer_reader(const DesiredState& duty);
  std::shared_ptr<StageRunner> runner() const;

  WorkerConfig config_;
  std::string http_;
  std::unique_ptr<CrashNote> note_;  // what the agent reads when we end; null without an agent
  std::unique_ptr<stream::Member> member_;
  std::unique_ptr<AssignmentView> ownership_;
  std::atomic<std::int64_t> refused_ = 0;  // records of the decisions log
  std::optional<CoreLease> cores_;         // of the stage that is open, when it says so
  std::optional<StageKey> stage_;
  TakenPartitions taken_;
  std::set<std::string> said_;       // problems that were reported
  bool isolated_ = false;            // no heartbeat was acknowledged for long: nothing new is begun
  DecisionsQuestion question_;       // of the reader
  mutable std::mutex runner_mutex_;  // the heartbeat thread looks at runner_
  std::shared_ptr<StageRunner> runner_;
  SpeedWindow speed_;  // under runner_mutex_
};

}  // namespace ride::worker
