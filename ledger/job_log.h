// JobLog: one job as the decisions log shows it: its topics and stages, and how it goes on. Needs no master. Owner: one
// thread. Failure: open() says not_found when no such job was accepted, or its topics did not come in time.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "common/result.h"
#include "ledger/job_story.h"
#include "stream/control.h"
#include "stream/control_client.h"
#include "stream/core/decisions_filter.h"
#include "stream/spec.h"

namespace ride::ledger {

class JobLog {
 public:
  // The latest run of that name.
  static Result<JobLog> open(const kafka::ClientConfig& config, const std::string& prefix, const JobName& job,
                             std::chrono::milliseconds timeout);
  const stream::JobSpec& spec() const { return *story_->spec(); }
  // Reads what was decided since.
  Result<stream::JobPhase> phase();

 private:
  Result<void> read(std::chrono::milliseconds timeout);

  std::unique_ptr<stream::ControlReader> reader_;
  stream::DecisionsFilter filter_;
  std::optional<JobStory> story_;
};

}  // namespace ride::ledger
