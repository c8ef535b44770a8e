#include "producer/core/gap_tracker.h"

#include <algorithm>

namespace ride::producer {

void GapTracker::lost() { away_ = last_frame_.has_value(); }

void GapTracker::forget() {
  away_ = false;
  last_frame_.reset();
}

std::optional<std::chrono::microseconds> GapTracker::frame(TimePoint grabbed_at) {
  std::optional<std::chrono::microseconds> gap;
  if (away_) {
    gap = std::chrono::duration_cast<std::chrono::microseconds>(grabbed_at - *last_frame_);
    ++gaps_;
    longest_ = std::max(longest_, *gap);
    away_ = false;
  }
  last_frame_ = grabbed_at;
  return gap;
}

}  // namespace ride::producer
