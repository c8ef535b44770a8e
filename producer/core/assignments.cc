#include "producer/core/assignments.h"

#include <algorithm>
#include <optional>
#include <variant>

#include "stream/core/job_phase.h"

namespace ride::producer {
namespace {

using stream::JobPhase;

constexpr std::size_t kMostStruck = 1000;  // of a source: long before, somebody has looked at it

std::optional<SourceMode> mode_in(JobPhase phase) {
  switch (phase) {
    case JobPhase::running:
      return SourceMode::run;
    case JobPhase::paused:
      return SourceMode::pause;
    case JobPhase::draining:
      return SourceMode::drain;
    case JobPhase::creating:  // its topics are being made
    case JobPhase::completed:
    case JobPhase::cancelled:
    case JobPhase::failed:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

void Assignments::apply(const stream::Decision& decision) {
  if (const auto* accepted = std::get_if<stream::JobAccepted>(&decision.body)) accept(*accepted);
  if (const auto* changed = std::get_if<stream::JobPhaseChanged>(&decision.body)) change_phase(*changed);
  if (const auto* assigned = std::get_if<stream::AssignSource>(&decision.body)) assign(*assigned);
  if (const auto* struck = std::get_if<stream::Strike>(&decision.body)) strike(*struck);
  if (const auto* out = std::get_if<stream::WorkerOut>(&decision.body); out != nullptr && out->worker == self_) {
    out_ = true;
    out_reason_ = out->reason;
    refused_ = refused_ || out->refused;
  }
  if (const auto* part = std::get_if<stream::SnapshotPart>(&decision.body)) restore(*part);
}

void Assignments::accept(const stream::JobAccepted& accepted) {
  Job& job = jobs_[{accepted.spec.job, accepted.spec.run}];
  job.spec = std::make_shared<const stream::JobSpec>(accepted.spec);
}

void Assignments::change_phase(const stream::JobPhaseChanged& changed) {
  const auto job = jobs_.find({changed.job, changed.run});
  if (job == jobs_.end()) return;
  if (stream::phase_is_over(changed.phase)) {
    jobs_.erase(job);  // for ever: a job that is submitted again has another run number
  } else {
    job->second.phase = changed.phase;
  }
}

void Assignments::assign(const stream::AssignSource& assigned) {
  const auto job = jobs_.find({assigned.job, assigned.run});
  if (job == jobs_.end()) return;
  const auto owner = job->second.owners.find(assigned.source);
  if (owner != job->second.owners.end() && assigned.epoch < owner->second.epoch) return;  // epochs never fall
  job->second.owners[assigned.source] = {assigned.producer, assigned.session, assigned.epoch, assigned.before};
}

// Against a frame of a stage, it names no source of the job.
void Assignments::strike(const stream::Strike& strike) {
  const auto job = jobs_.find({strike.job, strike.run});
  if (job == jobs_.end() || job->second.spec->source(strike.stage.value) == nullptr) return;
  auto& items = job->second.struck[strike.stage.value];
  auto& item = items[{strike.partition, strike.offset}];
  item.cause = strike.cause;
  item.quarantined = item.quarantined || strike.condemned;
  if (items.size() > kMostStruck) items.erase(items.begin());
}

void Assignments::restore(const stream::SnapshotPart& part) {
  const auto snapshot = assembler_.add(part);
  if (!snapshot.ok() || !*snapshot) return;  // one that cannot be read ends the member (stream/member.h)
  jobs_.clear();
  for (const auto& copy : (*snapshot)->jobs) {
    if (stream::phase_is_over(copy.phase)) continue;
    Job& job = jobs_[{copy.spec.job, copy.spec.run}];
    job.spec = std::make_shared<const stream::JobSpec>(copy.spec);
    job.phase = copy.phase;
    for (const auto& source : copy.sources) {
      if (source.epoch.value > 0) job.owners[source.name] = {source.producer, source.session, source.epoch, {}};
      for (const auto& struck : source.strikes) strike(struck);
    }
  }
  const auto& out = (*snapshot)->out;
  out_ = out_ || std::find(out.begin(), out.end(), self_) != out.end();
}

std::map<SourceKey, Assignment> Assignments::mine() const {
  std::map<SourceKey, Assignment> mine;
  if (out_) return mine;
  for (const auto& [key, job] : jobs_) {
    const std::optional<SourceMode> mode = mode_in(job.phase);
    if (!mode) continue;
    for (const auto& [source, owner] : job.owners) {
      if (owner.producer != self_ || job.spec->source(source) == nullptr) continue;
      const auto struck = job.struck.find(source);
      mine[{key.first, key.second, source}] = {
          job.spec,    owner.session, owner.epoch, *mode, struck == job.struck.end() ? StruckItems() : struck->second,
          owner.before};
    }
  }
  return mine;
}

}  // namespace ride::producer
