#include "master/core/measure.h"

#include <algorithm>
#include <cmath>

namespace ride::master {

namespace {

constexpr double kMemorySeconds = 5;  // of a worker's speed, in busy time
constexpr double kUtilisationSeconds = 3;
constexpr double kEnoughBusy = 0.02;  // seconds: less says nothing
constexpr std::chrono::seconds kShortestWindow{1};
constexpr std::chrono::seconds kLongestWindow{10};
constexpr std::int64_t kEnoughRecords = 10;  // in a window: fewer come and go by chance

double seconds(SystemTime::duration time) { return std::chrono::duration<double>(time).count(); }

std::int64_t total(const stream::OutcomeCounters& one) {
  return one.acked + one.filtered + one.dropped + one.dead + one.expired;
}

bool is_known(const stream::PartitionProgress& one) { return !one.job.value.empty() && one.end >= 0; }

}  // namespace

// ---- a worker -------------------------------------------------------------------------------------------------------

void WorkerRate::add(const stream::Heartbeat& beat, SystemTime at) {
  const bool anew = beat.group != group_ || beat.frames < frames_ || beat.busy_seconds < busy_;
  if (anew) {
    recent_frames_ = rated_busy_ = recent_busy_ = recent_elapsed_ = 0;
  } else if (at > at_) {
    const double elapsed = seconds(at - at_);
    const double busy = beat.busy_seconds - busy_;
    // Forgotten by the work done, not by the clock: who rests keeps what is known of it.
    const double keep = std::exp(-busy / kMemorySeconds);
    recent_frames_ = recent_frames_ * keep + static_cast<double>(beat.frames - frames_);
    rated_busy_ = rated_busy_ * keep + busy;
    const double keep_window = std::exp(-elapsed / kUtilisationSeconds);
    recent_busy_ = recent_busy_ * keep_window + busy;
    recent_elapsed_ = recent_elapsed_ * keep_window + elapsed;
  }
  group_ = beat.group;
  frames_ = beat.frames;
  busy_ = beat.busy_seconds;
  at_ = at;
}

std::optional<double> WorkerRate::frames_per_busy_second() const {
  if (rated_busy_ < kEnoughBusy || recent_frames_ < 1) return std::nullopt;
  return recent_frames_ / rated_busy_;
}

std::optional<double> WorkerRate::utilisation() const {
  if (recent_elapsed_ < 1) return std::nullopt;
  return std::min(1.0, recent_busy_ / recent_elapsed_);
}

// ---- a stage --------------------------------------------------------------------------------------------------------

void StageFlow::add(const stream::PartitionProgress& before, const stream::PartitionProgress& now) {
  if (!is_known(now)) return;
  const auto open = [](const auto& one) { return std::max<std::int64_t>(0, one.end - one.committed); };
  lag_ += open(now) - (is_known(before) ? open(before) : 0);
  committed_ += now.committed - (is_known(before) ? before.committed : 0);
  counted_ += total(now.counters) - (is_known(before) ? total(before.counters) : 0);
  if (!is_known(before)) return;
  arrived_ += std::max<std::int64_t>(0, now.end - before.end);
}

void StageFlow::sample(SystemTime at) {
  samples_.push_back({at, arrived_});
  while (samples_.size() > 2 && at - samples_[1].at > kLongestWindow) samples_.pop_front();
}

double StageFlow::frames_per_record() const {
  if (committed_ < 1 || counted_ < 1) return 1;
  return std::min(1.0, static_cast<double>(counted_) / static_cast<double>(committed_));
}

const StageFlow::Sample* StageFlow::begin_of_window() const {
  if (samples_.empty()) return nullptr;
  const auto& last = samples_.back();
  const auto first = std::find_if(samples_.rbegin(), samples_.rend(), [&](const Sample& one) {
    return last.at - one.at >= kShortestWindow && last.arrived - one.arrived >= kEnoughRecords;
  });
  const auto& begin = first == samples_.rend() ? samples_.front() : *first;
  return 2 * (last.at - begin.at) < kShortestWindow ? nullptr : &begin;
}

std::optional<double> StageFlow::arrival() const {
  const auto* begin = begin_of_window();
  return begin == nullptr ? std::nullopt : std::optional(at_least(*begin, 0));
}

std::optional<double> StageFlow::arrival_at_least() const {
  const auto* begin = begin_of_window();
  return begin == nullptr ? std::nullopt : std::optional(at_least(*begin, 2));
}

std::optional<double> StageFlow::steady_at_least() const {
  return begin_of_window() == nullptr ? std::nullopt : std::optional(at_least(samples_.front(), 1));
}

double StageFlow::at_least(const Sample& begin, double deviations) const {
  const auto& last = samples_.back();
  const double frames = static_cast<double>(last.arrived - begin.arrived) * frames_per_record();
  return std::max(0.0, frames - deviations * std::sqrt(frames)) / seconds(last.at - begin.at);
}

std::int64_t StageFlow::lag(std::int64_t more) const {
  return static_cast<std::int64_t>(std::ceil(static_cast<double>(lag_ + more) * frames_per_record()));
}

// ---- a size ---------------------------------------------------------------------------------------------------------

void SizeHistory::add(SystemTime at, int enough, std::chrono::milliseconds calm) {
  if (enough_.empty()) since_ = at;
  while (!enough_.empty() && enough_.back().second <= enough) enough_.pop_back();
  enough_.emplace_back(at, enough);
  while (enough_.size() > 1 && at - enough_.front().first > calm) enough_.pop_front();
}

std::optional<int> SizeHistory::most(SystemTime at, std::chrono::milliseconds calm) const {
  if (enough_.empty() || at - since_ < calm) return std::nullopt;
  return enough_.front().second;
}

}  // namespace ride::master
