// StageShell: the data plane of one stage in one worker: the product's own (worker/stage_runner.h), whose reader,
// compute and writer take turns here instead of having threads, each at its own pace, over the simulated log. Owner:
// SimWorker.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>

#include "tests/simulation/sim_task.h"
#include "tests/simulation/stage_ports.h"
#include "worker/stage_runner.h"

namespace ride::simulation {

class StageShell {
 public:
  struct Config {
    std::shared_ptr<const stream::JobSpec> job;
    const stream::StageSpec* stage = nullptr;  // of it
    WorkerId worker;
    SimTask::Config task;
    SimTask::Keep keep;
    std::function<void(PartitionId)> released;
    std::function<void()> asks;  // the reader may wait for decisions (StageRunner::decisions_wanted)
    std::function<void(const std::string& why)> lost;           // the log or the commit is gone: the job cannot go on
    std::function<void(std::vector<stream::NamedFrame>)> died;  // with what its crash note named
  };
  StageShell(Surroundings& around, Host& host, Config config);

  void assign(PartitionId partition, Epoch epoch);
  void release(PartitionId partition);
  void drop(PartitionId partition);
  bool warm() const { return runner_->stats().warm; }
  void look();  // there may be something to read
  worker::StageRunner& runner() { return *runner_; }
  std::vector<stream::PartitionProgress> progress() const { return runner_->progress(); }

 private:
  // Runs `turn` after a while, unless it is on its way already.
  void soon(bool& asked, Time least, Time most, void (StageShell::*turn)());
  void take(PartitionId partition, Epoch epoch, const stream::Commit& commit);
  void prepare();
  void read_turn();
  void compute_turn();
  void write_turn();
  void follow_up();
  void die();
  void will_read();
  void will_compute();
  void will_write();
  std::unique_ptr<worker::StageRunner> make_runner();
  tasks::TaskType task_type();
  Result<stream::OffsetRange> range_of(const stream::TopicPartition& at) const;

  Surroundings& around_;
  Host& host_;
  Config config_;
  std::map<PartitionId, Epoch> taking_;  // the commit is being asked for
  std::set<PartitionId> releasing_;      // of these
  bool prepares_ = false, reads_ = false, waits_ = false, computes_ = false, writes_ = false, publishes_ = false;
  bool dead_ = false;  // inside process(): nothing happens here any more
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  CrashNote note_;
  std::unique_ptr<worker::StageRunner> runner_;
};

}  // namespace ride::simulation
