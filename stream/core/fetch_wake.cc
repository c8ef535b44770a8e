#include "stream/core/fetch_wake.h"

#include <algorithm>

namespace ride::stream {

bool FetchWake::took(std::int64_t bytes, std::int64_t left) {
  constexpr std::int64_t kOfMean = 16;
  constexpr std::int64_t kLargest = std::int64_t{1} << 31,
                         kMost = std::int64_t{1} << 30;  // neither overflows a product
  bytes = std::clamp<std::int64_t>(bytes, 1, kLargest);
  left = std::clamp<std::int64_t>(left, 0, kMost);
  mean_ = mean_ == 0 ? bytes : std::max<std::int64_t>(1, mean_ + (bytes - mean_) / kOfMean);
  const bool arrived = left >= left_;  // one fewer is what was taken
  left_ = left;
  const auto queued = left * mean_;
  if (queued >= low_) {
    filled_ = true;
    next_ = low_;
    return false;
  }
  if (!filled_) return false;
  if (arrived && next_ < low_) {  // it was woken, and fetches
    filled_ = false;
    next_ = low_;
    return false;
  }
  if (queued >= next_) return false;
  next_ = std::min(next_ / 2, queued);
  if (left == 0) filled_ = false;
  return true;
}

}  // namespace ride::stream
