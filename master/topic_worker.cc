#include "master/topic_worker.h"

#include <algorithm>

#include "common/guarded_thread.h"
#include "common/log.h"
#include "common/wording.h"
#include "master/topics.h"

namespace ride::master {

using std::chrono::steady_clock;

namespace {

constexpr std::chrono::milliseconds kMeasureBudget{300};  // topics to make must not wait for long
constexpr std::chrono::seconds kPatience(5);              // of one try: others wait for this thread

}  // namespace

void TopicWorker::start(Callbacks owner) {
  owner_ = std::move(owner);
  thread_ = guarded_thread("the topic worker", [this] { run(); });
}

void TopicWorker::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool TopicWorker::stopped() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void TopicWorker::put(Task task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  wake_.notify_all();
}

void TopicWorker::run() {
  Cleaner cleaner(*ports_.admin, *ports_.commits);
  LagMeter meter(*ports_.admin, *ports_.commits);
  auto next_clean = steady_clock::now() + ports_.clean_interval;
  auto next_measure = steady_clock::now() + ports_.measure_interval;
  for (;;) {
    std::deque<Task> tasks;
    {
      std::unique_lock lock(mutex_);
      wake_.wait_until(lock, std::min({next_clean, next_measure, next_try()}),
                       [this] { return stopping_ || !tasks_.empty(); });
      if (stopping_) return;
      tasks.swap(tasks_);
    }
    for (const auto& task : tasks) task();
    make_what_is_due();
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

void TopicWorker::clean(Cleaner& cleaner) {
  auto jobs = owner_.jobs_to_clean();
  if (!jobs.ok()) return;
  const auto round = cleaner.clean(*jobs, system_now());
  ports_.metrics.add("ride_deleted_records_total", {}, static_cast<double>(round.deleted));
  const auto problem = round.failure ? round.failure->message : std::string();
  if (!problem.empty() && problem != said_of_cleaning_) log_warning("deleting what was ACKed: {}", problem);
  said_of_cleaning_ = problem;
}

void TopicWorker::measure(LagMeter& meter) {
  const auto partitions = owner_.unreported(meter.last());
  if (!partitions.ok() || partitions->empty()) return;
  auto round = meter.measure(*partitions, kMeasureBudget);
  if (!round.measured.partitions.empty()) owner_.measured(std::move(round.measured));
  const auto problem = round.failure ? round.failure->message : std::string();
  if (!problem.empty() && problem != said_of_lag_) log_warning("asking what waits where no worker is: {}", problem);
  said_of_lag_ = problem;
}

void TopicWorker::ensure(std::shared_ptr<const stream::JobSpec> spec) {
  put([this, spec = std::move(spec)] { making_[{spec->job, spec->run}] = {spec, steady_clock::now()}; });
}

void TopicWorker::remove(std::shared_ptr<const stream::JobSpec> spec) {
  put([this, spec = std::move(spec)] { drop(*spec); });
}

void TopicWorker::truncate(stream::TopicPartition log, Offset before) {
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

steady_clock::time_point TopicWorker::next_try() const {
  auto next = steady_clock::time_point::max();
  for (const auto& [run, making] : making_) next = std::min(next, making.due);
  return next;
}

void TopicWorker::make_what_is_due() {
  for (auto at = making_.begin(); at != making_.end() && !stopped();) {
    const bool over = at->second.due <= steady_clock::now() && try_to_make(at->second);
    if (over) {
      const std::lock_guard lock(mutex_);
      waits_.erase(at->first);
    }
    at = over ? making_.erase(at) : std::next(at);
  }
}

bool TopicWorker::try_to_make(Making& making) {
  const auto& spec = *making.spec;
  if (making.tries > 0 && !owner_.is_wanted(spec)) return true;  // cancelled, or another master leads and tries it
  const TopicWork with{*ports_.admin, *ports_.commits, kPatience, [this] { return stopped(); }};
  const auto made = make_topics(with, spec);
  if (!made.ok() && stopped()) return true;  // another master goes on
  if (!made.ok() && can_pass(made.error())) {
    put_off(making, made.error());
    return false;
  }
  if (made.ok() && making.tries > 0)
    ports_.events.add(system_now(), {stream::Severity::info, "topics_ready", spec.job.value, "",
                                     fmt::format("the topics of {}/{} were created, at attempt {}", spec.job.value,
                                                 spec.run.value, making.tries + 1)});
  TopicsOutcome outcome{spec.job, spec.run, std::nullopt};
  if (!made.ok()) outcome.failure = made.error().message;
  owner_.done(std::move(outcome));
  return true;
}

// Reported at each doubling of the tries: it may go on for hours.
void TopicWorker::put_off(Making& making, const Error& why) {
  const auto& spec = *making.spec;
  const auto pause = std::min(ports_.longest_pause, ports_.first_pause * (1 << std::min(making.tries, 10)));
  ++making.tries;
  making.due = steady_clock::now() + pause;
  const auto text =
      fmt::format("waits for Kafka to make its topics, tried {}: {}", counted(making.tries, "time"), why.message);
  {
    const std::lock_guard lock(mutex_);
    waits_[{spec.job, spec.run}] = text;
  }
  if ((making.tries & (making.tries - 1)) != 0) return;
  const auto warning = fmt::format("job {}, run {} {}; it is tried again until it succeeds or the job is cancelled",
                                   spec.job.value, spec.run.value, text);
  log_warning("{}", warning);
  ports_.events.add(system_now(), {stream::Severity::warning, "topics_wait", spec.job.value, "", warning});
}

std::optional<std::string> TopicWorker::waits(const JobName& job, RunNumber run) const {
  const std::lock_guard lock(mutex_);
  const auto found = waits_.find({job, run});
  return found == waits_.end() ? std::nullopt : std::optional(found->second);
}

void TopicWorker::drop(const stream::JobSpec& spec) {
  const TopicWork with{*ports_.admin, *ports_.commits, kPatience, [this] { return stopped(); }};
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
