#include "cli/core/adopted_stages.h"

namespace ride::cli {

Result<void> AdoptedStages::apply(const stream::Decision& decision) {
  if (const auto* accepted = std::get_if<stream::JobAccepted>(&decision.body)) accept(accepted->spec);
  if (const auto* part = std::get_if<stream::SnapshotPart>(&decision.body)) {
    RIDE_ASSIGN(auto whole, assembler_.add(*part));
    if (!whole) return {};
    jobs_.clear();
    for (const auto& job : whole->jobs) accept(job.spec);
  }
  return {};
}

void AdoptedStages::accept(const stream::JobSpec& spec) {
  AdoptedTopics& topics = jobs_[spec.job];
  topics.clear();
  for (const auto& stage : spec.stages)
    if (stage.adopt) topics[spec.job.value + "/" + stage.name] = {stage.topic, *stage.adopt};
}

AdoptedTopics AdoptedStages::all() const {
  AdoptedTopics all;
  for (const auto& [job, topics] : jobs_) all.insert(topics.begin(), topics.end());
  return all;
}

}  // namespace ride::cli
