// How fast a worker is, over the last seconds: of looks at its cumulative counts. Frames come in bursts, so a look at
// half a second shows 1.6 and 71.7 frames/s where 30 are steady. Pure: time is an argument.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>

namespace ride::worker {

class SpeedWindow {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // The counts as they are now; counts that fall are of another stage, and begin anew.
  void look(TimePoint now, std::int64_t frames, double busy_seconds);
  void clear() {
    looks_.clear();
    service_rate_ = 0;
  }

  // Over the last 4 s, or as long as there are looks, but at least 1 s.
  double frames_per_second() const;
  double busy_fraction() const;  // 0..1
  double service_rate() const;   // frames per busy second; the last known one while nothing is done; 0: unknown

  static constexpr std::chrono::milliseconds kWindow{4000}, kShortest{1000}, kStep{200};

 private:
  struct Look {
    TimePoint at;
    std::int64_t frames = 0;
    double busy = 0;
  };
  double seconds() const;

  std::deque<Look> looks_;  // kStep apart, the newest maybe less: bounded
  double service_rate_ = 0;
};

}  // namespace ride::worker
