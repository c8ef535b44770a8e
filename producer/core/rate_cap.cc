#include "producer/core/rate_cap.h"

#include <algorithm>

namespace ride::producer {
namespace {
double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }
Duration duration_of(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}
constexpr double kSmoothing = 0.1;  // weight of the newest interval in the running mean
}  // namespace

RateCap::RateCap(double fps) : period_(fps > 0 ? 1.0 / fps : 0) {}

bool RateCap::take(TimePoint grabbed) {
  if (period_ <= 0) return true;
  if (previous_) {
    const double interval = std::clamp(seconds(grabbed - *previous_), 0.0, 2 * period_);
    device_period_ = device_period_ > 0 ? device_period_ + kSmoothing * (interval - device_period_) : interval;
  }
  previous_ = grabbed;
  if (!next_) {
    next_ = grabbed + duration_of(period_);
    return true;
  }
  const double early = seconds(*next_ - grabbed);
  if (early > std::min(device_period_, period_) / 2) return false;
  *next_ += duration_of(period_);
  // More than a period behind: the device is slower than the cap or stood still. What it missed is not made up for.
  if (grabbed > *next_) next_ = grabbed + duration_of(period_);
  return true;
}

}  // namespace ride::producer
