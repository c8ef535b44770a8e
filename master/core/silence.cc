#include "master/core/silence.h"

#include <algorithm>
#include <cmath>

namespace ride::master {

namespace {

constexpr double kMemory = 50;                   // reports that a mean is taken over
constexpr double kDeviations = 5.6;              // of a normal distribution: beyond them lies 1e-8, which is φ = 8
constexpr double kLeastDeviation = 15;           // ms: no timer is more exact
constexpr double kForget = 30'000;               // ms
constexpr LogTime kStall{500};                   // what a late tick counts as at most
constexpr LogTime kMostLate{5000};               // that one report counts for
constexpr double kOverloaded = 200, kCalm = 50;  // ms
constexpr LogTime kCalmFor{10'000};
constexpr SystemTime::duration kLastStamp{std::int64_t{1} << 53};
constexpr int kCatchUp = 64;

double ms(LogTime time) { return static_cast<double>(time.count()); }
LogTime log_time(double milliseconds) { return LogTime(static_cast<std::int64_t>(milliseconds)); }

}  // namespace

std::chrono::milliseconds LogClock::since(SystemTime now) const {
  if (!ticked_) return std::chrono::milliseconds(0);
  return std::max(std::chrono::milliseconds(0), std::chrono::duration_cast<std::chrono::milliseconds>(now - last_));
}

std::chrono::milliseconds LogClock::tick(SystemTime now, std::chrono::milliseconds interval) {
  const auto gap = since(now);
  most_ = std::max(kStall, 2 * interval);
  if (ticked_) time_ += std::clamp<LogTime>(gap, interval / 2, most_);
  last_ = now;
  ticked_ = true;
  return gap;
}

LogTime LogClock::at(SystemTime now) const { return time_ + std::min(since(now), most_); }

bool LogClock::is_waiting(SystemTime now, std::chrono::milliseconds interval) const {
  return since(now) > 2 * interval;
}

SystemTime RecordTimes::at(SystemTime stamped, SystemTime read) {
  // Of a topic with other settings any writer chooses the stamp.
  const auto within = SystemTime(std::clamp(stamped.time_since_epoch(), SystemTime::duration(0), kLastStamp));
  if (!any_) {
    time_ = read;
  } else if (read > time_) {
    time_ += std::clamp(within - stamped_, SystemTime::duration(0), read - time_);
    time_ += (read - time_) / kCatchUp;
  }
  any_ = true;
  stamped_ = within;
  return time_;
}

void Rhythm::heard(LogTime gap) {
  ++count_;
  const double part =
      1 / std::min(kMemory, static_cast<double>(count_) + 1);  // the usual gap counts as one that was seen
  const double off = ms(gap) - mean_;
  mean_ += part * off;
  variance_ = (1 - part) * (variance_ + part * off * off);
}

LogTime Rhythm::patience() const {
  return log_time(mean_ + kDeviations * std::sqrt(variance_ + kLeastDeviation * kLeastDeviation));
}

void LongestGap::heard(LogTime now, LogTime gap) {
  value_ = std::max(ms(value(now)), ms(gap));
  at_ = now;
}

LogTime LongestGap::value(LogTime now) const {
  return log_time(value_ * std::exp(-std::max(0.0, ms(now - at_)) / kForget));
}

void OverloadWatch::heard(LogTime gap, LogTime usual) {
  late_ += (ms(std::min(gap - usual, kMostLate)) - late_) / kMemory;
}

OverloadWatch::Change OverloadWatch::look(LogTime now) {
  if (late_ >= kCalm)
    calm_since_ = LogTime(-1);
  else if (calm_since_.count() < 0)
    calm_since_ = now;
  if (!on_ && late_ > kOverloaded) {
    on_ = true;
    return Change::begins;
  }
  if (!on_ || calm_since_.count() < 0 || now - calm_since_ < kCalmFor) return Change::none;
  on_ = false;
  return Change::ends;
}

std::chrono::milliseconds OverloadWatch::late() const { return log_time(std::max(0.0, late_)); }

void NodePulse::heard_any(LogTime now, std::int64_t tick) {
  if (reports > 0) {
    const auto gap = now - heard_at;
    longest_together.heard(now, gap);
    round_longest = std::max(round_longest, gap);
    if (now - round_at >= kUsualGap) {
      together.heard(round_longest);
      round_longest = LogTime(0);
      round_at = now;
    }
  } else {
    round_at = now;
  }
  ++reports;
  heard_at = now;
  heard_tick = tick;
}

void NodePulse::heard_again(LogTime now, LogTime gap) {
  longest_alone.heard(now, gap);
  overload.heard(gap, kUsualGap);
}

}  // namespace ride::master
