#include "producer/core/rate_meter.h"

#include <algorithm>

namespace ride::producer {

void RateMeter::count(TimePoint now, std::int64_t frames) {
  if (!first_) first_ = now;
  const std::int64_t index = slice_of(now);
  Slice& slice = slices_[static_cast<std::size_t>(index % kSlices)];
  if (slice.index != index) slice = {index, 0};
  slice.frames += frames;
}

double RateMeter::per_second(TimePoint now) const {
  if (!first_) return 0;
  // The slice of `now` has only begun: the window is the full ones before it, and what it has so far.
  const std::int64_t newest = slice_of(now);
  std::int64_t frames = 0;
  for (const Slice& slice : slices_) {
    if (slice.index > newest - kSlices && slice.index <= newest) frames += slice.frames;
  }
  const Duration into_newest = now.time_since_epoch() - newest * kSlice;
  const Duration window = (kSlices - 1) * kSlice + into_newest;
  const Duration lived = std::max<Duration>(now - *first_, kShortest);
  return static_cast<double>(frames) / std::chrono::duration<double>(std::min(window, lived)).count();
}

}  // namespace ride::producer
