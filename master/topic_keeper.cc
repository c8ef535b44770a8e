#include "master/topic_keeper.h"

#include "common/guarded_thread.h"
#include "common/log.h"
#include "master/cleaner.h"
#include "master/topics.h"

namespace ride::master {

using std::chrono::steady_clock;

void TopicKeeper::start(std::function<void(TopicsOutcome)> done, std::function<Result<Jobs>()> jobs_to_clean) {
  done_ = std::move(done);
  jobs_to_clean_ = std::move(jobs_to_clean);
  thread_ = guarded_thread("the keeper of the topics", [this] { run(); });
}

void TopicKeeper::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool TopicKeeper::stopped() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void TopicKeeper::put(Task task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  wake_.notify_all();
}

void TopicKeeper::run() {
  Cleaner cleaner(*ports_.admin, *ports_.commits);
  auto next_clean = steady_clock::now() + ports_.clean_interval;
  std::string said;
  for (;;) {
    std::deque<Task> tasks;
    {
      std::unique_lock lock(mutex_);
      wake_.wait_until(lock, next_clean, [this] { return stopping_ || !tasks_.empty(); });
      if (stopping_) return;
      tasks.swap(tasks_);
    }
    for (const auto& task : tasks) task();
    if (steady_clock::now() < next_clean) continue;
    next_clean = steady_clock::now() + ports_.clean_interval;
    auto jobs = jobs_to_clean_();
    if (!jobs.ok()) continue;
    const auto round = cleaner.clean(*jobs, system_now());
    ports_.metrics.add("ride_deleted_records_total", {}, static_cast<double>(round.deleted));
    const auto problem = round.failure ? round.failure->message : std::string();
    if (!problem.empty() && problem != said) log_warning("deleting what was ACKed: {}", problem);
    said = problem;
  }
}

void TopicKeeper::ensure(std::shared_ptr<const stream::JobSpec> spec) {
  put([this, spec = std::move(spec)] { make(*spec); });
}

void TopicKeeper::remove(std::shared_ptr<const stream::JobSpec> spec) {
  put([this, spec = std::move(spec)] { drop(*spec); });
}

void TopicKeeper::truncate(stream::TopicPartition log, Offset before) {
  put([this, log = std::move(log), before] {
    const auto range = ports_.admin->range(log);
    if (range.ok() && range->first >= before) return;
    // The next snapshot deletes what this one leaves.
    if (const auto done = ports_.admin->delete_before(log, before); !done.ok())
      return log_warning("cannot delete what stands before the snapshot: {}", done.error().message);
    if (range.ok())
      ports_.metrics.add("ride_truncated_decisions_total", {}, static_cast<double>(before.value - range->first.value));
  });
}

void TopicKeeper::make(const stream::JobSpec& spec) {
  const TopicWork with{*ports_.admin, *ports_.commits, std::chrono::seconds(15), [this] { return stopped(); }};
  auto made = make_topics(with, spec);
  if (!made.ok() && stopped()) return;  // another master goes on
  TopicsOutcome outcome{spec.job, spec.run, std::nullopt};
  if (!made.ok()) outcome.failure = made.error().message;
  done_(std::move(outcome));
}

void TopicKeeper::drop(const stream::JobSpec& spec) {
  const TopicWork with{*ports_.admin, *ports_.commits, std::chrono::seconds(15), [this] { return stopped(); }};
  if (auto removed = remove_topics(with, spec); !removed.ok()) {
    log_warning("{}", removed.error().message);
    ports_.events.add(system_now(),
                      {stream::Severity::warning, "topics_left", spec.job.value, "", removed.error().message});
  } else {
    ports_.events.add(system_now(), {stream::Severity::info, "topics_deleted", spec.job.value, "",
                                     fmt::format("the topics of {}/{} are deleted", spec.job.value, spec.run.value)});
  }
}

}  // namespace ride::master
