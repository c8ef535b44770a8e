// The job that the failover benchmarks kill workers of: 3 workers and 2 spares, 30 frames of 900x900 a second over 6
// partitions, on one agent ("agent") or on one agent each ("node": agents die with their workers). Owner: the object;
// it stops everything. Threads: one.
#pragma once

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>

#include "bench/job_group.h"
#include "bench/local_cluster.h"
#include "chaos/recorder.h"

namespace ride::bench {

// One fault, and what came of it.
struct Fault {
  SystemTime at{};
  double detect_ms = 0;  // until the last of the victims was declared out
  double assign_ms = 0;  // until the last of their partitions had a new owner
  chaos::Effect effect;
  std::int64_t redelivered = 0;
  bool on_spares = false;  // all lost partitions ended on those that were spares
};

class FailoverJob {
 public:
  static constexpr int kActives = 3, kSpares = 2;

  static Result<std::unique_ptr<FailoverJob>> start(bool one_worker_a_node, int brokers = 1);
  // Waits for the whole group and a calm time, kills so many of the three with SIGKILL at a random phase, and watches
  // until the frames are as punctual as before.
  Result<Fault> strike(std::size_t victims, std::mt19937_64& random);
  // Kills one of several brokers, watches, and starts it again. Or stops it (SIGSTOP: its connections stay and are
  // silent), and resumes it when frames flow without it.
  enum class Blow { kill, stop };
  Result<Fault> strike_broker(int id, Blow blow, std::mt19937_64& random);
  // Drains the job and counts.
  Result<ledger::Statement> finish();

  chaos::Recorder& recorder() { return *recorder_; }

 private:
  explicit FailoverJob(bool one_worker_a_node) : one_each_(one_worker_a_node) {}
  Result<void> run_agents();
  Result<void> run_agent(const std::string& node, int slots, int producers);
  Result<void> wait_until_punctual();
  Result<void> watch(Fault& fault);
  void kill_worker(const JobGroup::Worker& worker);
  Result<void> bring_back(const JobGroup::Worker& worker);
  Result<JobGroup> calm_group(std::mt19937_64& random);
  void read_timeline(const std::set<std::string>& dead, const std::set<int>& lost, Fault& fault) const;

  bool one_each_;
  std::unique_ptr<LocalCluster> cluster_;
  std::map<std::string, process::ChildProcess*> agents_;
  std::unique_ptr<chaos::Recorder> recorder_;  // last: its thread ends first
};

}  // namespace ride::bench
