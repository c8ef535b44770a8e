#include "master/topic_keeper.h"

#include <algorithm>

#include "common/guarded_thread.h"
#include "common/log.h"
#include "master/topics.h"

namespace ride::master {

using std::chrono::steady_clock;

namespace {

constexpr std::chrono::milliseconds kMeasureBudget{300};  // topics to make must not wait for long

}  // namespace

void TopicKeeper::start(Owner owner) {
  owner_ = std::move(owner);
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
  LagMeter meter(*ports_.admin, *ports_.commits);
  auto next_clean = steady_clock::now() + ports_.clean_interval;
  auto next_measure = steady_clock::now() + ports_.measure_interval;
  for (;;) {
    std::deque<Task> tasks;
    {
      std::unique_lock lock(mutex_);
      wake_.wait_until(lock, std::min(next_clean, next_measure), [this] { return stopping_ || !tasks_.empty(); });
      if (stopping_) return;
      tasks.swap(tasks_);
    }
    for (const auto& task : tasks) task();
    if (steady_clock::now() >= next_clean) {
      next_clean = steady_clock::now() + ports_.clean_interval;
      clean(cleaner);
    }
    if (steady_clock::now() >= next_measure) {
      measure(meter);
      next_measure = steady_clock::now() + ports_.measure_interval;
    }
  }
}

void TopicKeeper::clean(Cleaner& cleaner) {
  auto jobs = owner_.jobs_to_clean();
  if (!jobs.ok()) return;
  const auto round = cleaner.clean(*jobs, system_now());
  ports_.metrics.add("ride_deleted_records_total", {}, static_cast<double>(round.deleted));
  const auto problem = round.failure ? round.failure->message : std::string();
  if (!problem.empty() && problem != said_of_cleaning_) log_warning("deleting what was ACKed: {}", problem);
  said_of_cleaning_ = problem;
}

void TopicKeeper::measure(LagMeter& meter) {
  const auto partitions = owner_.untold(meter.last());
  if (!partitions.ok() || partitions->empty()) return;
  auto round = meter.measure(*partitions, kMeasureBudget);
  if (!round.measured.partitions.empty()) owner_.measured(std::move(round.measured));
  const auto problem = round.failure ? round.failure->message : std::string();
  if (!problem.empty() && problem != said_of_lag_) log_warning("asking what waits where no worker is: {}", problem);
  said_of_lag_ = problem;
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
  owner_.done(std::move(outcome));
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
