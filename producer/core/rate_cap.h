// RateCap: which frames of a device that is faster than the wanted rate are taken, evenly over time. Pure: time is an
// argument.
#pragma once

#include <optional>

#include "producer/core/pacer.h"

namespace ride::producer {

// Keeps a grid of wanted times and takes the frame that comes nearest to each: a frame that is at most half a device
// period early counts for its grid point, so jitter around the grid costs no frame, and a device at the wanted rate
// loses none.
class RateCap {
 public:
  explicit RateCap(double fps);  // <= 0: all are taken
  bool take(TimePoint grabbed);

 private:
  double period_;             // seconds between wanted frames
  double device_period_ = 0;  // running mean of the time between frames, 0: unknown
  std::optional<TimePoint> previous_;
  std::optional<TimePoint> next_;  // grid point that waits for its frame
};

}  // namespace ride::producer
