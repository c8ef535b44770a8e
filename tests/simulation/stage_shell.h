// StageShell: the data plane of one stage in one worker, as worker/stage_*.cc have it with threads: read, run and
// write take turns here, each with its own pace, over the real SetAssembler, SetProcessor, PartitionFlow, SetQueue and
// PendingCommits. Mutations sit here. Owner: SimWorker.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <variant>

#include "stream/set_queue.h"
#include "tests/simulation/rules.h"
#include "tests/simulation/sim_task.h"
#include "tests/simulation/writer.h"
#include "worker/core/assignment_view.h"
#include "worker/core/partition_flow.h"
#include "worker/core/pending_commits.h"
#include "worker/set_processor.h"

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
    std::function<void(const std::string& why)> lost;  // the log or the commit is gone: the job cannot go on
  };
  StageShell(Surroundings& around, Host& host, Config config);
  ~StageShell();
  StageShell(const StageShell&) = delete;
  StageShell& operator=(const StageShell&) = delete;

  void assign(PartitionId partition, Epoch epoch);
  void release(PartitionId partition);
  void drop(PartitionId partition);
  bool owns(PartitionId partition) const;
  bool warm() const { return warm_; }
  void look();  // the network is back
  std::vector<stream::PartitionProgress> progress() const;

 private:
  struct Owned;
  using OwnedPtr = std::shared_ptr<Owned>;
  struct ToCompute {
    OwnedPtr owned;
    std::optional<stream::AcceptedSet> set;  // none: the partition is handed over
  };
  struct RecordRead {
    OwnedPtr owned;
    Offset offset;
    stream::AssemblyStep step;
  };
  struct WasProcessed {
    OwnedPtr owned;
    worker::Processed result;
  };
  using ToWrite = std::variant<RecordRead, WasProcessed, OwnedPtr>;  // the last: it must release

  // Runs `turn` after a while, unless it is on its way already.
  void soon(bool& asked, Time least, Time most, void (StageShell::*turn)());
  void own(const OwnedPtr& owned, const stream::Commit& commit);
  void read_turn();
  bool read_one(const OwnedPtr& owned);
  stream::AssemblyStep assembler(Owned& owned, Offset offset, const Stored& stored);
  void compute_turn();
  worker::Processed process(Owned& owned, stream::AcceptedSet set);
  void write_turn();
  void write(RecordRead event);
  void write(WasProcessed event);
  void write(OwnedPtr released);
  void send(const OwnedPtr& owned, std::vector<worker::PartitionFlow::Sending> sendings);
  void changed(const OwnedPtr& owned);
  void publish_turn();
  void publish(const OwnedPtr& owned);
  stream::Commit commit_of(const Owned& owned) const;
  void commit_turn();
  void committed(const worker::PendingCommits::Commits& commits, bool taken);
  void commit_again();
  void read_back_turn();
  void forget(const OwnedPtr& owned);

  Surroundings& around_;
  Host& host_;
  Config config_;
  std::map<PartitionId, OwnedPtr> owned_;  // null: its commit is being asked for
  std::map<PartitionId, Epoch> taking_;
  std::deque<ToCompute> to_compute_;
  std::deque<ToWrite> to_write_;
  worker::BufferPool pool_{1};
  Writer writer_;
  stream::SetQueue sets_;
  worker::PendingCommits pending_;
  std::int64_t commit_request_ = 0;  // the one that is on its way; 0: none
  std::int64_t commit_requests_ = 0;
  bool warm_ = false, reads_ = false, computes_ = false, writes_ = false, publishes_ = false, commits_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace ride::simulation
