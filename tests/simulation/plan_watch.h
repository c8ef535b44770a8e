// PlanWatch: reads every decision as it becomes readable and says what is wrong with the plan (invariants 1 and 5): a second
// owner at one epoch, an epoch that falls, a leader that decides against what stands in the log. Keeps the plan as the
// log has it. Owner: one World.
#pragma once

#include <map>
#include <tuple>

#include "master/core/apply.h"
#include "tests/simulation/ledger.h"

namespace ride::simulation {

class PlanWatch {
 public:
  PlanWatch(const Scheduler& clock, Ledger& ledger) : clock_(clock), ledger_(ledger) {}

  void on_visible(const stream::Decision& decision);

  const master::Hard& plan() const { return state_.hard; }
  Time changed_at() const { return changed_at_; }  // the last decision that counts
  int leaders() const { return leaders_; }         // claims that won
  int takeovers() const { return takeovers_; }     // partitions that went to another owner

 private:
  void note(const stream::Assign& assign);

  const Scheduler& clock_;
  Ledger& ledger_;
  master::State state_;
  std::map<std::tuple<std::string, PartitionId>, std::pair<Epoch, WorkerId>> owners_;
  Time changed_at_{0};
  int leaders_ = 0, takeovers_ = 0;
};

}  // namespace ride::simulation
