#include "producer/core/gap_tracker.h"

#include <algorithm>

namespace ride::producer {

void GapTracker::lost() { away_ = last_frame_.has_value(); }

void GapTracker::forget() {
  away_ = false;
  last_frame_.reset();
}

std::optional<std::chrono::microseconds> GapTracker::frame(SystemTime captured_at) {
  std::optional<std::chrono::microseconds> gap;
  if (away_) {
    // The wall clock may have been set back meanwhile: a gap is never negative.
    gap = std::max(std::chrono::microseconds(0), captured_at - *last_frame_);
    ++gaps_;
    longest_ = std::max(longest_, *gap);
    away_ = false;
  }
  last_frame_ = captured_at;
  return gap;
}

}  // namespace ride::producer
