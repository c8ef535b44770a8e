// DeferredWork: what sinks do while the next frames are computed (tasks::Emitter::defer): files are written and synced,
// several at once, so that a disk that takes its time does not hold up the task, and syncs of one folder come together.
// What comes of the sets is handed on in the order in which they were added, for each partition; once one of them is
// left (the partition is given up, or the stage stops), nothing behind it is handed on, and the next owner does all of
// it. Owner: the compute
// thread, which alone calls all of this; a few threads of its own, started with the first set. Bounded: in sets and in
// bytes of their pictures; full: add() waits. Failure: as of process() (VisibleRetry, or the frame is dead); an
// exception that leaves a work is an Error.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "worker/stage_context.h"

namespace ride::worker {

class DeferredWork {
 public:
  // Called on a thread of ours, one call at a time.
  using Done = std::function<void(const OwnedPtr&, const FrameId&, Processed)>;

  DeferredWork(StageContext& context, Done done) : context_(context), done_(std::move(done)) {}
  ~DeferredWork() { stop(); }
  DeferredWork(const DeferredWork&) = delete;
  DeferredWork& operator=(const DeferredWork&) = delete;

  // Where nothing is deferred, `result` only waits for its turn.
  void add(const OwnedPtr& owned, stream::AcceptedSet set, Processed result);
  bool is_busy_with(const OwnedPartition& owned);
  // Until nothing of the partition is left here, or the stage stops.
  void finish(const OwnedPartition& owned);
  // Until nothing of it is left in any case: what fails is not tried again, and stays without an ACK for the next
  // owner. Where a thread of ours has died, what was not begun is left as well.
  void give_up(const OwnedPartition& owned);
  // After context.stopping is set: what was not begun is left.
  void stop();

 private:
  struct Item {
    OwnedPtr owned;
    stream::AcceptedSet set;
    Processed result;
    std::int64_t bytes = 0;
    enum class State { waiting, running, done, left } state = State::waiting;
    std::atomic<bool> given_up = false;
  };

  void work();
  void loop(Item*& running);
  void run(Item& item);
  void hand_on();
  void leave_waiting(const OwnedPartition& owned);
  bool holds(const OwnedPartition& owned) const;

  StageContext& context_;
  const Done done_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Item>> items_;  // in the order of add()
  std::int64_t bytes_ = 0;
  std::set<OwnedPtr> broken_off_;  // partitions of which something was left
  bool stopped_ = false, died_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace ride::worker
