#include "producer/core/pacer.h"

namespace ride::producer {

Pacer::Pacer(double fps, WhenLate when_late) : period_seconds_(fps > 0 ? 1.0 / fps : 0), when_late_(when_late) {}

TimePoint Pacer::at(std::int64_t step) const {
  const std::chrono::duration<double> since(period_seconds_ * static_cast<double>(step));
  return *anchor_ + std::chrono::duration_cast<Duration>(since);
}

std::optional<TimePoint> Pacer::due() const {
  if (period_seconds_ <= 0 || !anchor_) return std::nullopt;
  return at(step_);
}

Pacer::Action Pacer::decide(TimePoint now) {
  if (period_seconds_ <= 0) return Action::send;
  if (!anchor_) {
    anchor_ = now;
    step_ = 0;
  }
  if (now < at(step_)) return Action::wait;
  if (when_late_ == WhenLate::drop && now >= at(step_ + 1)) return Action::pass_over;
  return Action::send;
}

void Pacer::advance(TimePoint now) {
  if (period_seconds_ <= 0 || !anchor_) return;
  ++step_;
  if (when_late_ == WhenLate::keep && now - at(step_) > kCatchUp) {
    anchor_ = now;
    step_ = 0;
  }
}

void Pacer::restart() {
  anchor_.reset();
  step_ = 0;
}

}  // namespace ride::producer
