#include "tests/simulation/plan_watch.h"

namespace ride::simulation {

namespace {

constexpr Time kLately{1'000'000};  // so old may a leader's last write be when it ticks

}  // namespace

// ---- the log

void PlanWatch::on_visible(const stream::Decision& decision) {
  const bool counts = claim_stands(decision);
  ++position_;
  const auto* part = std::get_if<stream::SnapshotPart>(&decision.body);
  if (part == nullptr) return observe(decision, counts);
  if (!counts) ++counts_.void_parts;
  const auto before = state_.hard;
  observe(decision, counts);
  if (counts) note(*part, before);
}

bool PlanWatch::claim_stands(const stream::Decision& decision) {
  if (log_.empty()) log_ = decision.log;
  if (decision.log != log_) return false;
  const auto* claim = std::get_if<stream::Claim>(&decision.body);
  if (claim == nullptr) return decision.epoch == epoch_ && decision.leader == leader_;
  if (claim->epoch <= epoch_) return false;
  epoch_ = claim->epoch;
  leader_ = claim->id;
  claimed_at_ = clock_.now();
  ++counts_.leaders;
  return true;
}

void PlanWatch::observe(const stream::Decision& decision, bool counts) {
  const auto applied = master::apply(state_, decision);
  if (counts != (applied == master::Applied::counted || applied == master::Applied::contradiction))
    return ledger_.complain(fmt::format("a record of {} at epoch {} {}, and {} at epoch {} stands", decision.leader,
                                        decision.epoch, counts ? "is void" : "counts", leader_, epoch_));
  switch (applied) {
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
  // A snapshot decides nothing.
  if (!std::holds_alternative<stream::SnapshotPart>(decision.body)) changed_at_ = clock_.now();
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
    ++counts_.takeovers;
  }
}

void PlanWatch::note(const stream::SnapshotPart& part, const master::Hard& before) {
  if (part.part == 1) snapshot_begin_ = {part.id, position_ - 1};
  if (part.part < part.parts || state_.soft.snapshot != part.id || snapshot_begin_.first != part.id) return;
  ++counts_.snapshots;
  valid_.insert(snapshot_begin_.second);
  if (!(state_.hard == before))
    ledger_.complain(fmt::format("snapshot {} has another state than the decisions before it", part.id));
}

void PlanWatch::on_truncated(std::int64_t first) {
  ++counts_.truncations;
  if (!valid_.contains(first))
    ledger_.complain(fmt::format("the decisions before {} are deleted, and no valid snapshot begins there", first));
}

// ---- its readers

void PlanWatch::on_master(const std::string& id, const master::Hard& knows, std::int64_t position) {
  if (is_read(position) && !(knows == state_.hard))
    ledger_.complain(id + " has read the whole log and knows another state");
}

void PlanWatch::on_duty(const WorkerId& worker, const worker::DesiredState& knows, std::int64_t position) {
  if (!is_read(position)) return;
  std::optional<worker::StageKey> stage;
  std::map<PartitionId, Epoch> owns;
  std::set<PartitionId> releasing;
  if (const auto* member = plan().member(worker); member != nullptr) {
    const auto& key = member->stage;
    if (master::is_over(plan().find(key.job, key.run)->phase)) return;
    stage = worker::StageKey{key.job, key.run, key.stage};
    const auto& partitions = plan().find(key)->partitions;
    for (std::size_t p = 0; p < partitions.size(); ++p) {
      if (partitions[p].owner != worker) continue;
      owns[PartitionId{static_cast<int>(p)}] = partitions[p].epoch;
      if (partitions[p].releasing) releasing.insert(PartitionId{static_cast<int>(p)});
    }
  }
  if (knows.out != plan().is_out(worker) || knows.stage != stage || knows.owns != owns || knows.releasing != releasing)
    ledger_.complain(worker.value + " has read the whole log and knows another duty");
}

void PlanWatch::on_sources(const WorkerId& producer, const producer::Assignments& knows, std::int64_t position) {
  if (!is_read(position)) return;
  std::map<std::string, std::pair<SessionId, Epoch>> known, right;
  for (const auto& [key, assignment] : knows.mine()) known[key.source] = {assignment.session, assignment.epoch};
  for (const auto& [name, job] : plan().jobs) {
    if (!master::has_owners(job->phase)) continue;
    for (const auto& [source, one] : job->sources)
      if (one.producer == producer) right[source] = {one.session, one.epoch};
  }
  if (knows.out() != plan().is_out(producer) || known != right)
    ledger_.complain(producer.value + " has read the whole log and knows other sources");
}

void PlanWatch::on_tick(const stream::Claim& claim) {
  if (claim.epoch != epoch_ && clock_.now() - claimed_at_ > kLately + Time(1'000))
    ledger_.complain(
        fmt::format("{} ticks with epoch {}, though epoch {} stands for long", claim.id, claim.epoch, epoch_));
}

}  // namespace ride::simulation
