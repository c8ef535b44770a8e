#include "ledger/job_story.h"

namespace ride::ledger {

Result<void> JobStory::apply(const stream::Decision& decision) {
  if (const auto* part = std::get_if<stream::SnapshotPart>(&decision.body)) {
    RIDE_ASSIGN(const auto snapshot, snapshots_.add(*part));
    if (snapshot) restore(*snapshot);
  }
  const auto* accepted = std::get_if<stream::JobAccepted>(&decision.body);
  if (accepted != nullptr && accepted->spec.job == job_) {
    spec_ = accepted->spec;
    phase_ = stream::JobPhase::creating;
  }
  const auto* changed = std::get_if<stream::JobPhaseChanged>(&decision.body);
  if (changed != nullptr && spec_ && changed->job == job_ && changed->run == spec_->run) phase_ = changed->phase;
  return {};
}

// All that stands before it is contained in it; a job that is not in it was forgotten.
void JobStory::restore(const stream::Snapshot& snapshot) {
  spec_.reset();
  for (const auto& job : snapshot.jobs) {
    if (job.spec.job != job_) continue;
    spec_ = job.spec;
    phase_ = job.phase;
  }
}

}  // namespace ride::ledger
