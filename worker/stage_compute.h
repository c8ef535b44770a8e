// StageCompute: the middle third of the data plane: takes sets through the stage's task, one at a time, and waits
// visibly where a task says that it may work later. One task is opened in advance, so that a first frame does not wait
// for it; of those that take long to open as many as the worker may need (core/tasks_ahead.h). Threads: one inner
// thread, from start() to join(); frames(), busy() and warm() may be asked from any. Failure: a task that cannot be
// opened is reported by the context's notify, and ends the job.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "worker/buffer_pool.h"
#include "worker/core/frame_time_limit.h"
#include "worker/deferred_work.h"
#include "worker/stage_context.h"

namespace ride::worker {

class StageCompute {
 public:
  explicit StageCompute(StageContext& context)
      : context_(context),
        pool_(4 * context.config.write_queue_bytes),
        time_limit_(std::chrono::milliseconds(context.config.stage.frame_timeout_ms)),
        deferred_(context, [this](const OwnedPtr& owned, const FrameId& id, Processed result) {
          done(owned, id, std::move(result));
        }) {}

  void start();
  void join();  // after context.stopping is set and the queues are closed
  // For who has no thread for it: first prepare(), which opens tasks, then one set a turn, and at the end close(). A
  // turn waits no longer than that for a set, unless the task defers work or asks to be tried again. False: there was
  // none.
  void prepare();
  bool turn(std::chrono::milliseconds wait);
  void close();

  std::int64_t frames() const { return frames_; }  // sets taken through the task, cumulative
  // That they took: decoded, processed, encoded; cumulative.
  std::chrono::nanoseconds busy() const { return std::chrono::nanoseconds(busy_ns_); }
  bool warm() const { return warm_; }

 private:
  void loop();
  void compute(ToCompute item);
  void close_task(OwnedPartition& owned);
  Result<Processed> process(OwnedPartition& owned, const stream::AcceptedSet& set);
  void note(const OwnedPartition& owned, const stream::AcceptedSet& set);
  void warm_up(const OwnedPtr& owned, const stream::AcceptedSet& set);
  Result<Processed> process_noted(OwnedPartition& owned, const stream::AcceptedSet& set);
  void defer(const OwnedPtr& owned, stream::AcceptedSet set, Processed result);
  void done(const OwnedPtr& owned, const FrameId& id, Processed result);
  Result<tasks::Task*> task_of(OwnedPartition& owned);
  Result<std::unique_ptr<tasks::Task>> open();
  Result<void> fetch_artifacts();
  Result<void> check_permit() const;
  Result<void> load_plugin();
  std::optional<std::string> newer_version(const std::string& param, const stream::ArtifactRef& ref) const;
  bool opens_another();
  void open_another();

  StageContext& context_;
  BufferPool pool_;
  FrameTimeLimit time_limit_;                              // compute thread
  std::vector<std::unique_ptr<tasks::Task>> spare_tasks_;  // compute thread
  bool opens_ahead_ = true;                                // compute thread; until it did not work
  std::map<std::string, HeldArtifact> artifacts_;          // compute thread; by parameter, of the stage
  std::atomic<bool> warm_ = false;
  std::atomic<std::int64_t> frames_ = 0, busy_ns_ = 0;
  DeferredWork deferred_;
  std::thread thread_;
};

}  // namespace ride::worker
