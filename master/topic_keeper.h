// TopicKeeper: the thread that works on topics for the master: makes and removes those of jobs, deletes what was ACKed, every
// few seconds, and asks how far logs reach of which no owner tells, every second. Threads: ensure() and remove() may be called from any and return at once. Failure: told
// through `done`, or logged and tried again in the next round.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "common/metrics.h"
#include "master/cleaner.h"
#include "master/core/event.h"
#include "master/event_ring.h"
#include "master/lag_meter.h"
#include "stream/ports.h"

namespace ride::master {

class TopicKeeper {
 public:
  using Jobs = std::vector<std::shared_ptr<const stream::JobSpec>>;
  struct Ports {
    std::unique_ptr<stream::TopicAdmin> admin;
    std::unique_ptr<stream::CommitStore> commits;
    Metrics& metrics;
    EventRing& events;
    std::chrono::milliseconds clean_interval{5000};
    std::chrono::milliseconds measure_interval{1000};
  };
  // Questions to the owner, and what it gets. They may wait.
  struct Owner {
    std::function<void(TopicsOutcome)> done;
    std::function<Result<Jobs>()> jobs_to_clean;
    std::function<Result<std::vector<UntoldPartition>>(const UntoldPartition* after)> untold;
    std::function<void(LogsMeasured)> measured;
  };
  explicit TopicKeeper(Ports ports) : ports_(std::move(ports)) {}
  ~TopicKeeper() { stop(); }

  void start(Owner owner);
  void stop();

  void ensure(std::shared_ptr<const stream::JobSpec> spec);
  void remove(std::shared_ptr<const stream::JobSpec> spec);
  void truncate(stream::TopicPartition log, Offset before);  // behind a snapshot

 private:
  using Task = std::function<void()>;
  void put(Task task);
  void run();
  void clean(Cleaner& cleaner);
  void measure(LagMeter& meter);
  void make(const stream::JobSpec& spec);
  void drop(const stream::JobSpec& spec);
  bool stopped() const;

  Ports ports_;
  Owner owner_;
  std::string said_of_cleaning_, said_of_lag_;  // the same problem is told once
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> tasks_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace ride::master
