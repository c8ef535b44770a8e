// RateMeter: frames per second over the last seconds. Pure: time is an argument. Memory: one counter per slice.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "producer/core/pacer.h"

namespace ride::producer {

class RateMeter {
 public:
  void count(TimePoint now, std::int64_t frames = 1);
  // Over the window of 4 s, or over the time since the first frame while that is shorter, but at least 1 s: a writer's
  // first frames wait for the brokers and are acknowledged together.
  double per_second(TimePoint now) const;

  static constexpr Duration kSlice = std::chrono::milliseconds(250);
  static constexpr int kSlices = 16;  // a window of 4 s
  static constexpr Duration kShortest = std::chrono::seconds(1);

 private:
  std::int64_t slice_of(TimePoint at) const { return at.time_since_epoch() / kSlice; }

  struct Slice {
    std::int64_t index = -1;
    std::int64_t frames = 0;
  };
  std::array<Slice, kSlices> slices_{};
  std::optional<TimePoint> first_;
};

}  // namespace ride::producer
