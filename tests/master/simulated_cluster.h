// A cluster of the imagination around the real core: processes that beat, a decisions log, a clock. Every decision goes
// through its JSON and back, as it does through Kafka. Used by the script tests and the random ones.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "master/core/apply.h"
#include "master/core/decide.h"
#include "tests/master/simulated_load.h"

namespace ride::master::test {

struct SimulatedProcess {
  stream::Heartbeat offer;  // id, kind, node, devices, ...
  bool silent = false;      // stopped, or cut off
  bool cold = false;        // its task never gets warm
  bool starved = false;     // with silent: it runs, as its node's agent reports
};

class SimulatedCluster {
 public:
  SimulatedCluster();

  // What the master did about it, one line each. Events are handled until it comes to rest.
  std::vector<std::string> handle(const std::vector<Event>& events);
  std::vector<std::string> join(const stream::Heartbeat& offer);
  std::vector<std::string> beat(const WorkerId& id);
  std::vector<std::string> report(stream::ReportBody body);
  // Everyone that is not silent beats, then the leader's tick comes, `interval` after the last.
  std::vector<std::string> tick(std::chrono::milliseconds interval = std::chrono::milliseconds(100));
  std::vector<std::string> submit(stream::JobSpec spec, bool replace = false);
  // The worker hands back all that it was asked for.
  std::vector<std::string> release(const WorkerId& worker);
  // The stage's owners (or one source's producer) say that the end went through.
  std::vector<std::string> end_stage(const StageKey& key, const std::vector<PartitionId>& partitions);
  std::vector<std::string> end_source(const SourceKey& key, std::int64_t frames);
  // A new master reads the log from its beginning and takes over.
  std::vector<std::string> restart_master();
  // Groups, owners, sources.
  std::vector<std::string> show() const;

  std::map<WorkerId, SimulatedProcess> processes;
  SimulatedLoad load;
  const State& state() const { return state_; }
  const std::vector<stream::Decision>& log() const { return log_; }
  std::size_t deleted() const { return deleted_; }  // records that stood before the log's first one
  Rules& rules() { return state_.rules; }
  SystemTime now() const { return now_; }
  int failures = 0;  // decisions that did not count: must stay 0

 private:
  stream::Heartbeat heartbeat_of(const WorkerId& id) const;
  void append(const stream::DecisionBody& body);
  void truncate(const TruncateBehind& order);
  void perform(const Action& action, std::vector<std::string>& said);

  State state_;
  std::vector<stream::Decision> log_;
  std::map<std::string, std::size_t> snapshots_;  // where each one's first part stands
  std::size_t deleted_ = 0;
  std::int64_t claim_ = 0;
  SystemTime now_{};
  std::int64_t ticket_ = 0;
};

}  // namespace ride::master::test
