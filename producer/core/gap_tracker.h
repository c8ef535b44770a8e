// GapTracker: how often and how long a live source was away, by when its frames were grabbed. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "producer/core/pacer.h"

namespace ride::producer {

class GapTracker {
 public:
  // The connection failed or went silent. Before the first frame it is no gap: nothing was there to miss.
  void lost();
  // We stopped looking (paused): what is missed is no gap.
  void forget();
  // A frame came. Returns the length of the gap that it ends, measured from the last frame before it.
  std::optional<std::chrono::microseconds> frame(TimePoint grabbed_at);

  std::int64_t gaps() const { return gaps_; }
  std::chrono::microseconds longest() const { return longest_; }

 private:
  bool away_ = false;
  std::int64_t gaps_ = 0;
  std::chrono::microseconds longest_{0};
  std::optional<TimePoint> last_frame_;
};

}  // namespace ride::producer
