#include "producer/core/rate_cap.h"

#include <algorithm>

namespace ride::producer {
namespace {
constexpr double kKeptSeconds = 0.3;
constexpr double kClockDrift = 1.002;  // a camera's clock is not ours: what it calls 30 fps may be a little more
}  // namespace

RateCap::RateCap(double fps) : fps_(fps), most_(std::max(1.0, kKeptSeconds * fps)), tokens_(most_) {}

bool RateCap::admit(TimePoint grabbed) {
  if (fps_ <= 0) return true;
  if (previous_) {
    const double seconds = std::chrono::duration<double>(grabbed - *previous_).count();
    tokens_ = std::min(most_, tokens_ + std::max(0.0, seconds) * fps_ * kClockDrift);
  }
  previous_ = grabbed;
  if (tokens_ < 1 - 1e-9) return false;
  tokens_ -= 1;
  return true;
}

}  // namespace ride::producer
