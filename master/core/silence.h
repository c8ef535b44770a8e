// When silence is a loss. An accrual failure detector (Hayashibara, Défago, Yared, Katayama: "The φ Accrual Failure
// Detector", SRDS 2004; Akka's and Cassandra's are of this kind): what a process may be silent for follows from how
// regular its reports were so far. Times are the log's own: it passes with its ticks, and stands while they do.
// Bounded: a few numbers for each process and node. Owner: the master's thread. Pure. Reasons: decision 0026.
#pragma once

#include <chrono>
#include <cstdint>

#include "common/ids.h"
#include "common/units.h"

namespace ride::master {

using LogTime = std::chrono::milliseconds;  // since this master began to listen

inline constexpr LogTime kUsualGap{100};  // between two heartbeats of a process

// The clock of the log. A tick that is late counts as half a second (or two intervals) at most: while the log stood,
// nobody could report. One that is read together with others, because the reader was late, counts as half an interval
// at least.
class LogClock {
 public:
  // How long after the last one it came; zero for the first.
  std::chrono::milliseconds tick(SystemTime now, std::chrono::milliseconds interval);
  LogTime at(SystemTime now) const;  // of what is read now
  LogTime at_tick() const { return time_; }
  // The next tick is late by now: what nobody reported since the last one means nothing.
  bool is_waiting(SystemTime now, std::chrono::milliseconds interval) const;

 private:
  std::chrono::milliseconds since(SystemTime now) const;

  bool ticked_ = false;
  SystemTime last_{};
  LogTime time_{0}, most_{500};
};

// When records came into the log, as far apart as the broker's timestamps say, but never later than they are read,
// whoever sets which clock: a reader that was late for a moment finds records as far apart as they were. What the
// stamps say less than the reader's clock is caught up with bit by bit.
class RecordTimes {
 public:
  SystemTime at(SystemTime stamped, SystemTime read);

 private:
  bool any_ = false;
  SystemTime stamped_{}, time_{};
};

// How regularly something comes. φ = -log10 of the chance that a gap is as long as the silence by now; gaps are taken
// for normally distributed, over about the last fifty.
class Rhythm {
 public:
  void heard(LogTime gap);
  LogTime patience() const;  // the silence at which φ is 8

 private:
  std::int64_t count_ = 0;
  double mean_ = static_cast<double>(kUsualGap.count()), variance_ = 0;
};

// The longest gap that was seen, forgotten little by little, within half a minute by two thirds: gaps of a machine that
// has too much to do are no normal distribution, one that is long is followed by another.
class LongestGap {
 public:
  void heard(LogTime now, LogTime gap);
  LogTime value(LogTime now) const;

 private:
  double value_ = 0;
  LogTime at_{0};
};

// Whether something comes late by and large. It begins above 200 ms, and ends when for 10 s it was below 50: so it is
// reported once.
class OverloadWatch {
 public:
  void heard(LogTime gap, LogTime usual);
  enum class Change { none, begins, ends };
  Change look(LogTime now);
  bool is_on() const { return on_; }
  std::chrono::milliseconds late() const;

 private:
  double late_ = 0;  // mean of about the last fifty
  bool on_ = false;
  LogTime calm_since_{-1};
};

// Of all processes of one node together.
struct NodePulse {
  WorkerId agent;                  // that reported last; empty: none did
  std::int64_t agent_reports = 0;  // of any agent
  std::int64_t reports = 0;        // of any process
  std::int64_t heard_tick = 0;     // ticks in the log before the last of them
  LogTime heard_at{0};
  LogTime round_at{0}, round_longest{0};       // the longest gap of the round of heartbeats that goes on
  Rhythm together;                             // ... and of those before
  LongestGap longest_together, longest_alone;  // between reports of any process, and of one
  OverloadWatch overload;
  int processes = 0;              // as of the last tick
  std::int64_t loss_backoff = 1;  // after false losses it is given so many times the silence

  void heard_any(LogTime now, std::int64_t tick);
  void heard_again(LogTime now, LogTime gap);  // a process that reported before
};

}  // namespace ride::master
