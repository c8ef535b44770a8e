#include "tests/simulation/plan_watch.h"

namespace ride::simulation {

void PlanWatch::on_visible(const stream::Decision& decision) {
  switch (master::apply(state_, decision)) {
    case master::Applied::counted:
      break;
    case master::Applied::void_claim:
      return;
    case master::Applied::foreign_log:
      return ledger_.complain("a decision of another log");
    case master::Applied::unreadable_snapshot:
      return ledger_.complain("a snapshot that cannot be read");
    case master::Applied::contradiction:
      return ledger_.complain("the standing leader contradicts the log");
  }
  changed_at_ = clock_.now();
  if (std::holds_alternative<stream::Claim>(decision.body)) ++leaders_;
  if (const auto* assign = std::get_if<stream::Assign>(&decision.body)) note(*assign);
  if (const auto wrong = master::find_violation(state_.hard)) ledger_.complain(*wrong);
}

void PlanWatch::note(const stream::Assign& assign) {
  for (const auto partition : assign.partitions) {
    auto [owner, fresh] = owners_.try_emplace({assign.stage.value, partition}, assign.epoch, assign.worker);
    if (fresh) continue;
    if (assign.epoch <= owner->second.first)
      ledger_.complain(fmt::format("{}/{}: epoch {} of {} after epoch {} of {}", assign.stage.value, partition.value,
                                   assign.epoch.value, assign.worker.value, owner->second.first.value,
                                   owner->second.second.value));
    owner->second = {assign.epoch, assign.worker};
    ++takeovers_;
  }
}

}  // namespace ride::simulation
