// SimWorker: a worker process, as worker/worker.cc has it: its duty comes from the real AssignmentView, its stage's
// data plane is a StageShell. Owner: its Host.
#pragma once

#include <memory>

#include "tests/simulation/member.h"
#include "tests/simulation/plan_watch.h"
#include "tests/simulation/stage_shell.h"
#include "worker/core/decisions_question.h"
#include "worker/core/taken_partitions.h"

namespace ride::simulation {

class SimWorker final : public Program {
 public:
  struct Config {
    WorkerId id;
    NodeName node;
    PlanWatch& watch;
    std::function<SimTask::Config(const stream::StageSpec&)> task;
    SimTask::Keep keep;
    std::function<void(const std::string& why)> end;  // this incarnation must end
    std::function<void(std::vector<stream::NamedFrame>)> died;
  };
  SimWorker(Surroundings& around, Host& host, Config config);

  void network_is_back() override;
  const WorkerId& id() const { return member_.id(); }
  bool owns(const worker::StageKey& stage, PartitionId partition) const;

 private:
  void act();
  void reconcile(const worker::DesiredState& duty);
  void answer_reader();
  void open_stage(const worker::StageKey& key);
  void fill(stream::Heartbeat& beat) const;

  Surroundings& around_;
  Host& host_;
  Config config_;
  worker::AssignmentView ownership_;
  std::optional<worker::StageKey> stage_;
  worker::TakenPartitions taken_;
  worker::DecisionsQuestion question_;
  int opened_ = 0;       // stages, so far
  bool asking_ = false;  // where the decisions end
  std::unique_ptr<StageShell> shell_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Member member_;
};

}  // namespace ride::simulation
