#include "worker/core/frame_time_limit.h"

#include <algorithm>

namespace ride::worker {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLeast{10'000};
constexpr int kMedians = 20;
// The first frame has no median: 621 MB through a 61 x 61 filter take some ten seconds on two cores, and get 155.
constexpr std::int64_t kBytesPerMs = 4'000;

}  // namespace

void FrameTimeLimit::took(std::chrono::nanoseconds time) {
  recent_[next_] = time;
  next_ = (next_ + 1) % recent_.size();
  count_ = std::min(count_ + 1, recent_.size());
}

std::chrono::nanoseconds FrameTimeLimit::median() const {
  if (count_ == 0) return std::chrono::nanoseconds{0};
  auto sorted = recent_;
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(count_ / 2);
  std::nth_element(sorted.begin(), middle, sorted.begin() + static_cast<std::ptrdiff_t>(count_));
  return *middle;
}

milliseconds FrameTimeLimit::allowed(std::int64_t picture_bytes) const {
  if (stated_.count() > 0) return stated_;
  const auto usual = std::chrono::duration_cast<milliseconds>(kMedians * median());
  return std::max({kLeast, usual, milliseconds(picture_bytes / kBytesPerMs)});
}

}  // namespace ride::worker
