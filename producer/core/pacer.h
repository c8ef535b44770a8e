// Pacer: when the next item of a paced source may go, and when it is so late that it is passed over. Pure: time is an
// argument.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace ride::producer {

using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

enum class WhenLate { keep, drop };

class Pacer {
 public:
  enum class Action { wait, send, pass_over };

  // fps <= 0: unpaced, every item goes at once and none is passed over.
  Pacer(double fps, WhenLate when_late);

  // What to do with the item at hand. The first call starts the schedule. `pass_over` (only with drop): the item behind
  // this one is due already, too.
  Action decide(TimePoint now);
  // The item at hand was sent or passed over: the next one is due a period later. With keep, a schedule that is more
  // than `kCatchUp` behind begins again at `now`: an outage is not followed by a burst of its whole length.
  void advance(TimePoint now);
  // When the item at hand is due; nothing before the schedule started or when unpaced.
  std::optional<TimePoint> due() const;
  // The source stood still (paused, reconnected): the schedule begins again with the next item.
  void restart();

  static constexpr Duration kCatchUp = std::chrono::seconds(1);

 private:
  TimePoint at(std::int64_t step) const;

  double period_seconds_;
  WhenLate when_late_;
  std::optional<TimePoint> anchor_;
  std::int64_t step_ = 0;  // items since the anchor: due times are multiples, so rounding never adds up
};

}  // namespace ride::producer
