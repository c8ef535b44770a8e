// SteadyWall: the wall clock for rules that measure with it. It never goes back and never jumps when somebody sets the
// clock: it passes as the steady clock does, and comes near what the wall clock shows by a tenth of the time that
// passes. Only a wall clock that is more than an hour ahead is followed at once: it was wrong before. Owner: one
// thread. Pure: both times are arguments.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "common/units.h"

namespace ride {

class SteadyWall {
 public:
  using Moment = std::chrono::steady_clock::time_point;

  SystemTime at(SystemTime wall, Moment steady) {
    if (!last_) {
      time_ = wall;
    } else {
      const auto passed =
          std::chrono::duration_cast<SystemTime::duration>(std::max(Moment::duration(0), steady - *last_));
      time_ += passed;
      const auto ahead = wall - time_;
      time_ = ahead > kFollowed ? wall : time_ + std::clamp(ahead, -passed / 10, passed / 10);
    }
    last_ = last_ ? std::max(*last_, steady) : steady;
    return time_;
  }
  SystemTime now() { return at(system_now(), std::chrono::steady_clock::now()); }  // shells only

 private:
  static constexpr std::chrono::hours kFollowed{1};

  SystemTime time_{};
  std::optional<Moment> last_;
};

}  // namespace ride
