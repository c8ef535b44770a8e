#include "producer/producer.h"

#include <spdlog/fmt/fmt.h>

#include "common/log.h"
#include "master/core/decided.h"
#include "process/start_again.h"
#include "producer/kafka_access.h"

namespace ride::producer {
namespace {

using std::chrono::milliseconds;

// A process whose heartbeats were not acknowledged for so long may have been replaced: it stops its sources until it is
// heard again (decision 0025).
constexpr milliseconds kIsolatedAfter(10'000);
constexpr milliseconds kPoll(50);
constexpr std::chrono::seconds kEndWithin(5);
constexpr milliseconds kFailureLasts(1000);

}  // namespace

Producer::Producer(ProducerConfig config, Environment environment)
    : config_(std::move(config)),
      environment_(std::move(environment)),
      budget_(config_.memory_bytes),
      note_(CrashNote::inherited()),
      work_budget_(config_.memory_bytes, note_.get()),
      log_(make_kafka_access(config_.kafka)) {}

Producer::~Producer() { stop_all(); }

std::vector<stream::SourceProgress> Producer::progress() const {
  const std::lock_guard lock(mutex_);
  std::vector<stream::SourceProgress> all;
  for (const auto& [key, runner] : runners_) all.push_back(runner->progress());
  return all;
}

Result<void> Producer::run(const std::atomic<bool>& stop) {
  auto joined = stream::Member::join(
      {.kafka = config_.kafka,
       .prefix = config_.prefix,
       .name = config_.name,
       .node = config_.node,
       .kind = stream::ProcessKind::producer},
      [this](stream::Heartbeat& beat) {
        beat.http = http_;
        beat.sources = progress();
      },
      stop);
  if (!joined) {
    if (joined.error().code == ErrorCode::cancelled) return {};
    log_error("{}", joined.error().message);
    return Error{joined.error().code, joined.error().message};
  }
  member_ = std::move(*joined);
  assignments_ = std::make_unique<Assignments>(member_->id());
  log_info("{} joined on {}", member_->id().value, config_.kafka.brokers);
  Result<void> ended = control(stop);
  if (!ended.ok()) {
    if (note_) note_->end_in_order();  // what is being read now is not to blame
    report_end(ended.error());
    process::end_within(kEndWithin, [give_up = config_.give_up, why = ended.error()] { give_up(why); });
  }
  stop_all();
  member_->leave(ended.ok() ? "stopped" : ended.error().message);
  return ended;
}

void Producer::report_end(const Error& why) {
  const auto text = "producer " + member_->id().value + ": " + why.message;
  // The master has reported a refused one.
  if (!assignments_->refused() && assignments_->out())
    member_->notice(stream::Severity::warning, "declared_lost", text + "; it joins again as a new one");
  else
    log_error("{}", text);
}

Result<void> Producer::control(const std::atomic<bool>& stop) {
  master::Decided decided;
  std::int64_t contradictions = 0;  // reported by the master
  while (!stop) {
    auto decisions = member_->poll_decisions(kPoll);
    if (!decisions) {
      if (const auto& error = decisions.error(); !error.retriable)  // a new incarnation may not meet it again
        return Error{error.code, error.message, process::may_start_again(error)};
      continue;
    }
    for (const stream::Decision& decision : *decisions) {
      if (decided.apply(decision))
        assignments_->apply(decision);
      else
        ++contradictions;
    }
    refused_ = member_->refused_decisions() + contradictions;
    if (!member_->caught_up()) continue;
    if (assignments_->refused()) return Error{ErrorCode::already_exists, assignments_->out_reason()};
    if (assignments_->out()) {
      const auto& reason = assignments_->out_reason();
      return Error{ErrorCode::cancelled, reason.empty() ? "it was declared lost" : "it was declared lost: " + reason,
                   true};
    }
    const auto wanted = this->wanted();
    reconcile(wanted);
    if (const auto failed = lasting_failure(wanted)) return *failed;
  }
  return {};
}

std::map<SourceKey, Assignment> Producer::wanted() {
  auto wanted = assignments_->mine();
  const bool isolated = member_->since_acknowledged() > kIsolatedAfter;
  if (isolated != isolated_) {
    isolated_ = isolated;
    if (isolated) {
      log_warning("no heartbeat was acknowledged for {}: the sources stop until Kafka is back",
                  format_duration(kIsolatedAfter));
    } else {
      log_info("heartbeats are acknowledged again");
    }
  }
  if (isolated) {
    for (auto& [key, assignment] : wanted) assignment.mode = SourceMode::pause;
  }
  return wanted;
}

void Producer::reconcile(const std::map<SourceKey, Assignment>& wanted) {
  for (auto at = runners_.begin(); at != runners_.end();) {
    const auto want = wanted.find(at->first);
    const bool keep = want != wanted.end() && want->second.session == at->second->session();
    if (keep) {
      at->second->set_mode(want->second.mode);
    } else {
      at->second->stop();
    }
    // Taken out under the lock, ended outside of it: heartbeats do not wait for a runner.
    std::unique_ptr<SourceRunner> done;
    if (!keep && at->second->finished()) {
      log_info("source {} of job {} is stopped", at->first.source, at->first.job.value);
      const std::lock_guard lock(mutex_);
      done = std::move(at->second);
      at = runners_.erase(at);
    } else {
      ++at;
    }
  }
  for (const auto& [key, assignment] : wanted) {
    if (!runners_.contains(key)) start(key, assignment);
  }
}

void Producer::start(const SourceKey& key, const Assignment& assignment) {
  log_info("source {} of job {}, run {}: session {}", key.source, key.job.value, key.run.value,
           assignment.session.value);
  RunnerServices services{
      .log = *log_,
      .budget = budget_,
      .incarnation = member_->id().value,
      .environment = environment_,
      .notify =
          [this, key](stream::Severity severity, const std::string& code, const std::string& text, bool fatal_for_job) {
            member_->notice(severity, code, text, key.job.value, key.source, fatal_for_job);
          },
      .changed = [this] { member_->beat_now(); },
      .work_budget = &work_budget_,
  };
  auto runner = std::make_unique<SourceRunner>(assignment, key.source, std::move(services));
  const std::lock_guard lock(mutex_);
  runners_.emplace(key, std::move(runner));
}

// A writer that failed ends the incarnation, unless its source is given up anyway: when a job was cancelled and its
// topics deleted, the writer may notice the latter before we read the former. So it has to last.
std::optional<Error> Producer::lasting_failure(const std::map<SourceKey, Assignment>& wanted) {
  std::optional<Error> failure;
  for (const auto& [key, runner] : runners_) {
    const auto error = runner->fatal();
    if (!error || !wanted.contains(key)) continue;
    failure =
        Error{error->code, fmt::format("source {}: {}", key.source, error->message), process::may_start_again(*error)};
  }
  const auto now = std::chrono::steady_clock::now();
  if (!failure) failing_since_.reset();
  if (failure && !failing_since_) failing_since_ = now;
  if (failure && now - *failing_since_ < kFailureLasts) failure.reset();
  return failure;
}

// All at once, so that it takes as long as the slowest.
void Producer::stop_all() {
  std::map<SourceKey, std::unique_ptr<SourceRunner>> runners;
  for (auto& [key, runner] : runners_) runner->stop();
  for (auto& [key, runner] : runners_) {
    while (!runner->finished()) std::this_thread::sleep_for(milliseconds(5));
  }
  const std::lock_guard lock(mutex_);
  runners.swap(runners_);
}

}  // namespace ride::producer
