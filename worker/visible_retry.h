// VisibleRetry: what may work later (a full disk) is waited for, visibly, and nothing is thrown away (decision 0004).
// Owner: whoever tries, for one frame. Threads: that one.
#pragma once

#include <chrono>
#include <functional>

#include "worker/stage_context.h"

namespace ride::worker {

class VisibleRetry {
 public:
  VisibleRetry(const StageContext& context, FrameId frame);

  // An attempt failed: says so now and then, fails a finite job after a while, and waits before the next one, longer
  // each time. False: `over`, there is nothing to wait for any more.
  bool wait(const Error& why, const std::function<bool()>& over);
  void succeeded() const;

 private:
  using Clock = std::chrono::steady_clock;
  const StageContext& context_;
  const FrameId frame_;
  const Clock::time_point began_ = Clock::now();
  Clock::time_point said_{};
  std::chrono::milliseconds next_wait_;
};

}  // namespace ride::worker
