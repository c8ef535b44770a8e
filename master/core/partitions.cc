// Ownership of partitions: what nobody has is assigned, what is unevenly spread is asked back first (decision 0032).
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <set>

#include "common/wording.h"
#include "master/core/group_rates.h"
#include "master/core/placement.h"
#include "master/core/steps.h"

namespace ride::master {

namespace {

constexpr double kNothing = 1e-3;  // frames per second of a partition into which nothing comes
constexpr double kOnTheirWay = 2;  // frames of a partition that are being worked on are no lag
constexpr double kLittle = 0.5;    // of a worker's time: the whole stage asks for less
constexpr double kAlike = 1.3;     // the fastest beside the slowest

class StagePlacement {
 public:
  StagePlacement(Draft& draft, State& state, const StageKey& key)
      : draft_(draft), state_(state), key_(key), stage_(*draft.hard().find(key)), reports_(state.soft.stages[key]) {
    members_.assign(stage_.actives.begin(), stage_.actives.end());  // ordered
    const auto& spec = draft_.hard().find(key_.job, key_.run)->stage_spec(key_.stage);
    brings_files_ = !spec.artifacts.empty();
  }

  void place() {
    state_.soft.unsettled.erase(key_);
    if (is_gathering()) {
      state_.soft.unsettled.insert(key_);
      return;
    }
    forget_rests();
    const auto moves = master::place(view());
    assign(moves);
    release(moves);
    if (moves.look_again) state_.soft.unsettled.insert(key_);
  }

 private:
  const Process* process(const WorkerId& worker) const {
    const auto found = state_.soft.processes.find(worker);
    return found == state_.soft.processes.end() ? nullptr : &found->second;
  }

  // At the start of a job its workers come one by one: waiting for the group is quicker than moving partitions after.
  bool is_gathering() const {
    const auto& spec = draft_.hard().find(key_.job, key_.run)->stage_spec(key_.stage);
    if (stage_.epoch.value > 0 || static_cast<int>(members_.size()) >= wanted_workers(spec, stage_)) return false;
    return ticks_since_begin(state_, key_.job) < state_.rules.gather_ticks;
  }

  bool is_warm(const Process* process) const {
    return process != nullptr && process->last.warm && process->last.group == key_.job.value + "/" + key_.stage.value;
  }

  // A task opens within seconds; the files that the job brings may take minutes, and who has them says that it is warm.
  bool is_able(const Process* process) const { return !brings_files_ || is_warm(process); }

  bool is_ready(const Process* process) const {
    if (process == nullptr) return false;
    return is_warm(process) || (!brings_files_ && state_.soft.ticks - process->joined_tick >= state_.rules.warm_ticks);
  }

  int index_of(const WorkerId& worker) const {
    if (worker.value.empty()) return GroupView::kNobody;
    const auto found = std::lower_bound(members_.begin(), members_.end(), worker);
    if (found == members_.end() || *found != worker) return GroupView::kOutsider;
    return static_cast<int>(found - members_.begin());
  }

  bool is_overdue(const Partition& partition) const {
    return partition.releasing && draft_.now() >= partition.deadline;
  }

  // Another group is another plan: who came shall get its share, whoever gave or got one before.
  void forget_rests() {
    auto& rests = reports_.rests;
    if (rests.group != stage_.actives) rests = {stage_.actives, {}, {}};
    const auto is_over = [&](const auto& entry) { return draft_.now() - entry.second >= state_.rules.rest; };
    std::erase_if(rests.gave, is_over);
    std::erase_if(rests.got, is_over);
  }

  GroupView view() const {
    GroupView view;
    for (const auto& member : members_) {
      const auto* known = process(member);
      view.members.push_back({.node = known == nullptr ? NodeName{} : known->last.node,
                              .able = is_able(known),
                              .ready = is_ready(known),
                              .keeps = reports_.rests.got.contains(member),
                              .enough = reports_.rests.gave.contains(member)});
    }
    for (std::size_t p = 0; p < stage_.partitions.size(); ++p) {
      const auto& partition = stage_.partitions[p];
      const bool released = partition.releasing && reports_.released.contains(PartitionId{static_cast<int>(p)});
      view.partitions.push_back({index_of(partition.owner), partition.releasing, released || is_overdue(partition)});
    }
    if (const auto arrival = reports_.flow.arrival()) weigh(view, *arrival);
    return view;
  }

  // What is measured: frames per second that each partition asks for, its lag among them, and each member's speed.
  void weigh(GroupView& view, double arrival) const {
    const auto& group = draft_.hard().find(key_.job, key_.run)->stage_spec(key_.stage).group;
    const auto speeds = this->speeds();
    if (speeds.empty()) return;
    const double each = std::max(arrival / static_cast<double>(view.partitions.size()), kNothing);
    const double drain = static_cast<double>(std::max<std::int64_t>(group.scaling.drain_ms, 1)) / 1000;
    std::vector<double> weights;
    double all = 0;
    for (std::size_t p = 0; p < view.partitions.size(); ++p) {
      weights.push_back(each + std::max(0.0, lag_of(p) - kOnTheirWay - each / 2) / drain);
      all += weights.back();
    }
    // The slowest could do all of it by itself: speeds do not matter, and a spare is not passed over for its.
    if (all < kLittle * *std::min_element(speeds.begin(), speeds.end())) return;
    for (std::size_t i = 0; i < view.members.size(); ++i) view.members[i].speed = speeds[i];
    for (std::size_t p = 0; p < weights.size(); ++p) view.partitions[p].weight = weights[p];
  }

  // Differences that a busy machine makes by itself count as none, and who is unknown is like the others.
  std::vector<double> speeds() const {
    const auto rates = rates_of(state_.soft, stage_.actives);
    if (!rates.mean) return {};
    std::vector<double> speeds;
    for (const auto& rate : rates.each) speeds.push_back(rate.value_or(*rates.mean));
    const auto [least, most] = std::minmax_element(speeds.begin(), speeds.end());
    if (*most < kAlike * *least) std::fill(speeds.begin(), speeds.end(), *rates.mean);
    return speeds;
  }

  double lag_of(std::size_t partition) const {
    if (partition >= reports_.partitions.size()) return 0;
    const auto& reported = reports_.partitions[partition];
    return reported.end < 0 ? 0 : static_cast<double>(std::max<std::int64_t>(0, reported.end - reported.committed));
  }

  // "2 of w1#a, which is out; 1 handed back by w2#b in time"
  std::string reason_of(const std::vector<PartitionId>& partitions) const {
    std::map<std::string, int> reasons;
    for (const auto id : partitions) {
      const auto& partition = stage_.partitions[static_cast<std::size_t>(id.value)];
      if (!partition.owner.value.empty())
        ++reasons[reports_.released.contains(id)
                      ? "handed back by " + partition.owner.value
                      : "taken from " + partition.owner.value + ", which did not hand over in time"];
      else if (draft_.hard().is_out(partition.previous))
        ++reasons["of " + partition.previous.value + ", which is out"];
      else
        ++reasons["without an owner"];
    }
    std::string text;
    for (const auto& [reason, count] : reasons) text += fmt::format("{}{} {}", text.empty() ? "" : "; ", count, reason);
    return text +
           fmt::format(" ({}, {})", counted(stage_.partitions.size(), "partition"), counted(members_.size(), "worker"));
  }

  void assign(const Moves& moves) {
    std::map<int, std::vector<PartitionId>> by_member;
    for (const auto& give : moves.give) {
      by_member[give.to].push_back(give.partition);
      if (!stage_.actives.contains(owner(give.partition))) continue;  // nobody's, or of one that leaves the group
      reports_.rests.gave[owner(give.partition)] = draft_.now();
      reports_.rests.got[members_[static_cast<std::size_t>(give.to)]] = draft_.now();
    }
    std::vector<stream::Assign> decisions;
    auto epoch = stage_.epoch;
    for (auto& [member, partitions] : by_member) {
      epoch = Epoch{epoch.value + 1};
      decisions.push_back({.job = key_.job,
                           .run = key_.run,
                           .stage = key_.stage,
                           .worker = members_[static_cast<std::size_t>(member)],
                           .epoch = epoch,
                           .partitions = partitions,
                           .reason = reason_of(partitions),
                           .at = draft_.now()});
    }
    for (auto& decision : decisions) draft_.decide(std::move(decision));
    // A worker that another group waits for has nothing left here: the groups are looked at again.
    for (const auto& give : moves.give)
      if (stage_.spares.contains(owner(give.partition))) state_.soft.due.pool = true;
  }

  void release(const Moves& moves) {
    std::map<WorkerId, std::vector<PartitionId>> by_owner;
    for (const auto id : moves.release) by_owner[owner(id)].push_back(id);
    for (auto& [owner, partitions] : by_owner) {
      const auto has = std::count_if(stage_.partitions.begin(), stage_.partitions.end(),
                                     [&owner = owner](const Partition& one) { return one.owner == owner; });
      auto reason =
          moves.by_measure && stage_.actives.contains(owner)
              ? fmt::format("by measured speed and lag: {} is the busiest of {} and gives {} of its {}", owner.value,
                            counted(members_.size(), "worker"), partitions.size(), has)
          : stage_.actives.contains(owner)
              ? fmt::format("{} for {}: {} gives {} of its {}", counted(stage_.partitions.size(), "partition"),
                            counted(members_.size(), "worker"), owner.value, partitions.size(), has)
              : fmt::format("{} leaves the group's active workers", owner.value);
      draft_.decide(stream::Releasing{.job = key_.job,
                                      .run = key_.run,
                                      .stage = key_.stage,
                                      .worker = owner,
                                      .partitions = std::move(partitions),
                                      .deadline = draft_.now() + state_.rules.release_timeout,
                                      .reason = std::move(reason)});
    }
  }

  const WorkerId& owner(PartitionId id) const { return stage_.partitions[static_cast<std::size_t>(id.value)].owner; }

  Draft& draft_;
  State& state_;
  const StageKey key_;
  const Stage stage_;  // as it was when the step began
  StageReports& reports_;
  std::vector<WorkerId> members_;
  bool brings_files_ = false;  // the job, for this stage
};

void mark_overdue(const Draft& draft, Due& due) {
  for (const auto& [name, job] : draft.hard().jobs) {
    if (!has_owners(job->phase)) continue;
    for (const auto& [stage_name, stage] : job->stages)
      if (stage->releasing > 0) due.stages.insert({name, job->spec->run, stage_name});
  }
}

}  // namespace

void place_partitions(Draft& draft, State& state, Due& due) {
  if (due.deadlines) mark_overdue(draft, due);
  for (const auto& key : due.stages) {
    const auto* job = draft.hard().find(key.job, key.run);
    if (job == nullptr || !has_owners(job->phase) || draft.hard().find(key) == nullptr) {
      state.soft.unsettled.erase(key);
      continue;
    }
    StagePlacement(draft, state, key).place();
  }
}

}  // namespace ride::master
