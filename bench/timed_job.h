// A job of one stage for the benchmarks of scaling: a cluster, one agent with workers enough, and a recorder of what
// leaves the stage. Work is timed (`delay`, asleep), so that many workers fit on few cores. Owner: the object; it stops
// everything. Threads: one.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/local_cluster.h"
#include "chaos/recorder.h"

namespace ride::bench {

struct TimedPlan {
  std::string source;  // of the topology, in YAML: "{ synthetic: ... }"
  std::string group;   // "{ min: 1, max: 4 }"
  int partitions = 12;
  double work_ms = 100;  // a frame, each worker one at a time
  int slots = 4;         // workers on the node
};

// Sizes that were decided, as the log shows them.
struct SizeChange {
  SystemTime at{};
  int workers = 0;
  std::string reason;
};

class TimedJob {
 public:
  static constexpr const char* kJob = "timed";
  static constexpr const char* kStage = "work";

  static Result<std::unique_ptr<TimedJob>> start(const TimedPlan& plan);
  // On a cluster that is there, with a master and an agent.
  static Result<std::unique_ptr<TimedJob>> start_on(std::unique_ptr<LocalCluster> cluster, const TimedPlan& plan);

  // Sets the group's size by hand, as `ride scale` does.
  Result<void> scale(int workers);
  // Until so many own the stage's partitions, all of them.
  Result<void> wait_for_owners(std::size_t workers, std::chrono::seconds timeout);
  std::vector<SizeChange> sizes_since(SystemTime since) const;
  Result<ledger::Statement> finish();  // drains the job and counts

  LocalCluster& cluster() { return *cluster_; }
  chaos::Recorder& recorder() { return *recorder_; }

 private:
  explicit TimedJob(std::unique_ptr<LocalCluster> cluster) : cluster_(std::move(cluster)) {}
  std::unique_ptr<LocalCluster> cluster_;
  std::unique_ptr<chaos::Recorder> recorder_;  // last: its thread ends first
};

// Starts a cluster with a master and an agent of so many workers.
Result<std::unique_ptr<LocalCluster>> cluster_with_agent(int slots);

// Frames per second that arrived in [from, to).
double rate_between(const std::vector<chaos::Arrival>& arrivals, SystemTime from, SystemTime to);

}  // namespace ride::bench
