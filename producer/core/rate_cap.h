// RateCap: which frames of a device that is faster than the wanted rate are taken. A token bucket: tokens come at the
// wanted rate, each frame takes one, and 0.3 s of them are kept. So a device at the wanted rate loses nothing, also
// when its frames come in bursts (networks and encoders do that), and a faster one is thinned out evenly. Pure: time is
// an argument.
#pragma once

#include <optional>

#include "producer/core/pacer.h"

namespace ride::producer {

class RateCap {
 public:
  explicit RateCap(double fps);  // <= 0: all are taken
  bool admit(TimePoint grabbed);

 private:
  double fps_;
  double most_;  // tokens
  double tokens_;
  std::optional<TimePoint> previous_;
};

}  // namespace ride::producer
