#include "ledger/job_log.h"

#include "common/log.h"

namespace ride::ledger {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

Result<JobLog> JobLog::open(const kafka::ClientConfig& config, const std::string& prefix, const JobName& job,
                            milliseconds timeout) {
  RIDE_ASSIGN(auto reader, stream::open_control_reader(config, prefix + ".decisions"));
  JobLog log;
  log.story_.emplace(job);
  log.reader_ = std::move(reader);
  const auto deadline = steady_clock::now() + timeout;
  while (!log.reader_->caught_up() || !log.story_->spec() || log.story_->phase() == stream::JobPhase::creating) {
    if (steady_clock::now() > deadline)
      return Error{ErrorCode::not_found, log.story_->spec()
                                             ? "the topics of job '" + job.value + "' are not there yet"
                                             : "there is no job '" + job.value + "' in " + prefix + ".decisions"};
    RIDE_TRY(log.read(milliseconds(50)));
  }
  return log;
}

Result<void> JobLog::read(milliseconds timeout) {
  RIDE_ASSIGN(auto entries, reader_->poll(timeout));
  for (const auto& entry : entries) {
    RIDE_ASSIGN(auto decision, filter_.accept(entry.offset, entry.json, system_now()));
    for (const auto& words : filter_.take_words()) log_warning("decisions log: {}", words);
    if (!decision) continue;
    RIDE_TRY(story_->apply(*decision));
  }
  return {};
}

Result<stream::JobPhase> JobLog::phase() {
  RIDE_TRY(read(milliseconds(0)));
  return story_->phase();
}

}  // namespace ride::ledger
