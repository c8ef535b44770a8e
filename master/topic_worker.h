// TopicWorker: the thread that works on topics for the master: makes and removes those of jobs, deletes what was ACKed,
// every few seconds, and asks how far logs reach of which no owner reports, every second. Threads: ensure(), remove()
// and waits() may be called from any and return at once. Failure: what may pass is tried again until nobody wants the
// job any more, with events that say why; the rest is reported through `done`, or logged and tried again in the next
// round.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/metrics.h"
#include "master/cleaner.h"
#include "master/core/event.h"
#include "master/event_ring.h"
#include "master/lag_meter.h"
#include "stream/ports.h"

namespace ride::master {

class TopicWorker {
 public:
  using Jobs = std::vector<std::shared_ptr<const stream::JobSpec>>;
  struct Ports {
    std::unique_ptr<stream::TopicAdmin> admin;
    std::unique_ptr<stream::CommitStore> commits;
    Metrics& metrics;
    EventRing& events;
    std::chrono::milliseconds clean_interval{5000};
    std::chrono::milliseconds measure_interval{1000};
    std::chrono::milliseconds first_pause{500}, longest_pause{10'000};  // between two tries
  };
  // Questions to the owner, and what it gets. They may wait.
  struct Callbacks {
    std::function<void(TopicsOutcome)> done;
    std::function<Result<Jobs>()> jobs_to_clean;
    // This master leads, and the job waits for its topics; asked before they are tried again.
    std::function<bool(const stream::JobSpec&)> is_wanted;
    std::function<Result<std::vector<UnreportedPartition>>(const UnreportedPartition* after)> unreported;
    std::function<void(LogsMeasured)> measured;
  };
  explicit TopicWorker(Ports ports) : ports_(std::move(ports)) {}
  ~TopicWorker() { stop(); }

  void start(Callbacks owner);
  void stop();

  void ensure(std::shared_ptr<const stream::JobSpec> spec);
  void remove(std::shared_ptr<const stream::JobSpec> spec);
  void truncate(stream::TopicPartition log, Offset before);  // behind a snapshot
  // Why the job's topics are not there yet, and how often that was tried; nothing: there is no trouble.
  std::optional<std::string> waits(const JobName& job, RunNumber run) const;

 private:
  using Task = std::function<void()>;
  void put(Task task);
  void run();
  void clean(Cleaner& cleaner);
  void measure(LagMeter& meter);
  using RunOfJob = std::pair<JobName, RunNumber>;
  struct Making {
    std::shared_ptr<const stream::JobSpec> spec;
    std::chrono::steady_clock::time_point due;
    int tries = 0;
  };
  std::chrono::steady_clock::time_point next_try() const;
  void make_what_is_due();
  bool try_to_make(Making& making);  // true: over, in one way or another
  void put_off(Making& making, const Error& why);
  void drop(const stream::JobSpec& spec);
  bool stopped() const;

  Ports ports_;
  Callbacks owner_;
  std::string said_of_cleaning_, said_of_lag_;  // the same problem is reported once
  std::map<RunOfJob, Making> making_;           // its own thread
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> tasks_;
  std::map<RunOfJob, std::string> waits_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace ride::master
