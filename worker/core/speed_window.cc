#include "worker/core/speed_window.h"

#include <algorithm>

namespace ride::worker {

void SpeedWindow::look(TimePoint now, std::int64_t frames, double busy_seconds) {
  if (!looks_.empty() && (frames < looks_.back().frames || busy_seconds < looks_.back().busy)) {
    clear();
  }
  // The newest moves along until it is a step behind the one before.
  const auto count = looks_.size();
  if (count >= 2 && looks_[count - 1].at - looks_[count - 2].at < kStep) looks_.pop_back();
  looks_.push_back({now, frames, busy_seconds});
  while (looks_.size() > 2 && now - looks_[1].at >= kWindow) looks_.pop_front();
  const double busy = looks_.back().busy - looks_.front().busy;
  const auto done = looks_.back().frames - looks_.front().frames;
  if (done > 0 && busy > 0) service_rate_ = static_cast<double>(done) / busy;
}

double SpeedWindow::seconds() const {
  return std::chrono::duration<double>(std::max<TimePoint::duration>(looks_.back().at - looks_.front().at, kShortest))
      .count();
}

double SpeedWindow::frames_per_second() const {
  return looks_.size() < 2 ? 0 : static_cast<double>(looks_.back().frames - looks_.front().frames) / seconds();
}

double SpeedWindow::busy_fraction() const {
  return looks_.size() < 2 ? 0 : std::clamp((looks_.back().busy - looks_.front().busy) / seconds(), 0.0, 1.0);
}

double SpeedWindow::service_rate() const { return service_rate_; }

}  // namespace ride::worker
