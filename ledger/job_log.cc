#include "ledger/job_log.h"

#include "common/log.h"

namespace ride::ledger {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

Result<JobLog> JobLog::open(const kafka::ClientConfig& config, const std::string& prefix, const JobName& job,
                            milliseconds timeout) {
  auto reader = stream::open_control_reader(config, prefix + ".decisions");
  if (!reader.ok()) return reader.error();
  JobLog log;
  log.story_.emplace(job);
  log.reader_ = std::move(reader).value();
  const auto deadline = steady_clock::now() + timeout;
  while (!log.reader_->caught_up() || !log.story_->spec() || log.story_->phase() == stream::JobPhase::creating) {
    if (steady_clock::now() > deadline)
      return Error{ErrorCode::not_found, log.story_->spec() ? "the topics of job '" + job.value + "' are not there yet"
                                                   : "there is no job '" + job.value + "' in " + prefix + ".decisions"};
    if (auto done = log.read(milliseconds(50)); !done.ok()) return done.error();
  }
  return log;
}

Result<void> JobLog::read(milliseconds timeout) {
  auto entries = reader_->poll(timeout);
  if (!entries.ok()) return entries.error();
  for (const auto& entry : *entries) {
    auto decision = filter_.take(entry.offset, entry.json, system_now());
    if (!decision.ok()) return decision.error();
    for (const auto& words : filter_.take_words()) log_warning("decisions log: {}", words);
    if (!*decision) continue;
    if (auto taken = story_->take(**decision); !taken.ok()) return taken;
  }
  return {};
}

Result<stream::JobPhase> JobLog::phase() {
  if (auto done = read(milliseconds(0)); !done.ok()) return done.error();
  return story_->phase();
}

bool JobLog::is_over(stream::JobPhase phase) {
  return phase == stream::JobPhase::completed || phase == stream::JobPhase::cancelled || phase == stream::JobPhase::failed;
}

}  // namespace ride::ledger
