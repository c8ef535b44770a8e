#include "worker/core/assignment_view.h"

#include <algorithm>

#include "common/crash_note.h"
#include "stream/core/job_phase.h"

namespace ride::worker {

namespace {

constexpr std::size_t kMostQuarantined = 1000;  // of a stage: long before, somebody has looked at it

}  // namespace

void AssignmentView::apply(const stream::Decision& decision) {
  std::visit([this](const auto& body) { on(body); }, decision.body);
}

void AssignmentView::on(const stream::JobAccepted& accepted) {
  jobs_[{accepted.spec.job, accepted.spec.run}] = {accepted.spec, stream::JobPhase::creating, {}, {}};
}

void AssignmentView::on(const stream::JobChanged& changed) {
  const auto found = jobs_.find({changed.spec.job, changed.spec.run});
  if (found != jobs_.end()) found->second.spec = changed.spec;
}

void AssignmentView::on(const stream::JobPhaseChanged& changed) {
  const auto found = jobs_.find({changed.job, changed.run});
  if (found == jobs_.end()) return;
  found->second.phase = changed.phase;
  found->second.ends = changed.ends;
  if (!stream::phase_is_over(changed.phase)) return;
  jobs_.erase(found);
  std::erase_if(owners_,
                [&](const auto& entry) { return entry.first.job == changed.job && entry.first.run == changed.run; });
  std::erase_if(quarantined_,
                [&](const auto& entry) { return entry.first.job == changed.job && entry.first.run == changed.run; });
  if (group_ && group_->job == changed.job && group_->run == changed.run) group_.reset();
}

void AssignmentView::on(const stream::Assign& assign) {
  auto& owners = owners_[{assign.job, assign.run, assign.stage}];
  for (const auto partition : assign.partitions) {
    auto& owner = owners[partition];
    if (assign.epoch < owner.epoch) continue;  // never backwards
    owner = {assign.worker, assign.epoch, false};
  }
}

void AssignmentView::on(const stream::Releasing& releasing) {
  auto& owners = owners_[{releasing.job, releasing.run, releasing.stage}];
  for (const auto partition : releasing.partitions)
    if (auto found = owners.find(partition); found != owners.end() && found->second.worker == releasing.worker)
      found->second.releasing = true;
}

void AssignmentView::on(const stream::JoinGroup& join) {
  if (join.worker != self_) return;
  if (join.stage.value.empty())
    group_.reset();
  else
    group_ = StageKey{join.job, join.run, join.stage};
}

void AssignmentView::on(const stream::WorkerOut& out) {
  if (out.worker != self_) return;
  out_ = true;
  out_reason_ = out.reason;
  refused_ = refused_ || out.refused;
}

void AssignmentView::on(const stream::SnapshotPart& part) {
  const auto snapshot = assembler_.add(part);
  if (!snapshot.ok() || !*snapshot) return;  // one that cannot be read ends the member (stream/member.h)
  jobs_.clear();
  owners_.clear();
  quarantined_.clear();
  group_.reset();
  const auto contains = [this](const auto& list) { return std::find(list.begin(), list.end(), self_) != list.end(); };
  for (const auto& job : (*snapshot)->jobs) {
    if (stream::phase_is_over(job.phase)) continue;
    auto& known = jobs_[{job.spec.job, job.spec.run}];
    known = {job.spec, job.phase, job.ends, {}};
    for (const auto& source : job.sources) known.sessions[source.name] = source.session;
    for (const auto& stage : job.stages) {
      const StageKey key{job.spec.job, job.spec.run, stage.name};
      if (contains(stage.actives) || contains(stage.spares)) group_ = key;
      for (std::size_t p = 0; p < stage.partitions.size(); ++p) {
        const auto& one = stage.partitions[p];
        owners_[key][PartitionId{static_cast<int>(p)}] = {one.owner, one.epoch, one.releasing};
      }
      for (const auto& strike : stage.strikes) on(strike);
    }
  }
  out_ = out_ || contains((*snapshot)->out);
}

// Also one that is not in force: whoever was given a session may have written in it.
void AssignmentView::on(const stream::AssignSource& assign) {
  const auto job = jobs_.find({assign.job, assign.run});
  if (job == jobs_.end()) return;
  auto& highest = job->second.sessions[assign.source];
  highest = std::max(highest, assign.session);
}

void AssignmentView::on(const stream::Strike& strike) {
  if (!strike.condemned) return;
  auto& stage = quarantined_[{strike.job, strike.run, strike.stage}];
  stage[{strike.partition, strike.offset}] = {"poison: " + strike.cause, strike.count,
                                              strike.frame == kRecordBeingRead};
  if (stage.size() > kMostQuarantined) stage.erase(stage.begin());
}

std::map<PartitionId, Offset> AssignmentView::ends_of(const Job& job, const StageKey& key) {
  std::map<PartitionId, Offset> ends;
  const auto* stage = job.spec.stage(key.stage.value);
  const auto found = stage == nullptr ? job.ends.end() : job.ends.find(stage->topic);
  if (found == job.ends.end()) return ends;
  for (std::size_t p = 0; p < found->second.size(); ++p) ends[PartitionId{static_cast<int>(p)}] = found->second[p];
  return ends;
}

DesiredState AssignmentView::duty() const {
  DesiredState duty;
  duty.out = out_;
  duty.out_reason = out_reason_;
  duty.refused = refused_;
  if (!group_ || out_) return duty;
  const auto job = jobs_.find({group_->job, group_->run});
  if (job == jobs_.end()) return duty;
  duty.stage = group_;
  duty.paused = job->second.phase == stream::JobPhase::paused;
  if (job->second.phase == stream::JobPhase::creating) return duty;  // warm, but nothing to read yet
  if (const auto quarantined = quarantined_.find(*group_); quarantined != quarantined_.end())
    duty.quarantined = quarantined->second;
  duty.ends = ends_of(job->second, *group_);
  duty.sessions = job->second.sessions;
  const auto owners = owners_.find(*group_);
  if (owners == owners_.end()) return duty;
  for (const auto& [partition, owner] : owners->second) {
    if (owner.worker != self_) continue;
    duty.owns[partition] = owner.epoch;
    if (owner.releasing) duty.releasing.insert(partition);
  }
  return duty;
}

const stream::JobSpec* AssignmentView::job(const JobName& job, RunNumber run) const {
  const auto found = jobs_.find({job, run});
  return found == jobs_.end() ? nullptr : &found->second.spec;
}

}  // namespace ride::worker
