// ReportFlow: what a process sends to ride.reports, and when: a heartbeat each interval, and what it posts between
// them, in order. A state machine without a thread, a client or a clock; it waits for nothing. Whoever owns it writes
// what take() gives and tells what came of it: Member on its thread, the simulator on its scheduler. Owner: one; a lock
// around it where several threads post.
//
//             take()          acknowledged
//   at_rest ─────────▶ sent ───────────────▶ at_rest
//                       │ not in time            ▲
//                       ▼                        │ all has arrived
//                     settle ────────────────────┘
//   sent, settle ─▶ broken ─▶ at_rest: the writer failed for good, and there is a new one
#pragma once

#include <chrono>
#include <deque>
#include <optional>
#include <vector>

#include "common/result.h"
#include "stream/control.h"

namespace ride::stream {

class ReportFlow {
 public:
  using Moment = std::chrono::steady_clock::time_point;
  enum class Step { at_rest, sent, settle, broken };
  struct Batch {
    std::vector<ReportBody> posted;
    bool beats = false;  // a heartbeat comes behind them
  };
  static constexpr std::size_t kMostPosted = 10'000;  // a flood must not eat the memory while Kafka is away

  ReportFlow(std::chrono::milliseconds interval, Moment now)
      : interval_(interval), beat_at_(now), acknowledged_at_(now) {}

  // Sent with the next batch; the oldest falls out of a queue that is full.
  void post(ReportBody report);
  void beat_now() { beat_now_ = true; }  // not only at the next interval
  void leave() { leaving_ = true; }      // no heartbeat follows

  Step step() const { return step_; }
  Moment beat_at() const { return beat_at_; }
  bool is_due(Moment now) const;

  // What to write now, all of it in one go. Nothing: not at rest, or nothing is due.
  std::optional<Batch> take(Moment now);
  // Retriable: not acknowledged in time; it is on its way, or (resource_exhausted) part of it was never handed over.
  void wrote(const Result<void>& result);
  void settled(const Result<void>& result);
  void writer_made();
  const Error& why_broken() const { return why_broken_; }

  // How long ago the last heartbeat that arrived was sent.
  std::chrono::milliseconds since_acknowledged(Moment now) const;

 private:
  void arrived();
  void broke(const Error& why);
  void put_back(std::size_t from);

  std::chrono::milliseconds interval_;
  Step step_ = Step::at_rest;
  std::deque<ReportBody> posted_;
  Batch sent_;
  Moment sent_at_{}, beat_at_, acknowledged_at_;
  bool beat_now_ = false, leaving_ = false;
  std::size_t repeated_ = 0, sent_repeated_ = 0;  // at the front of each: what comes for the second time
  bool incomplete_ = false;                       // not all that was sent was handed over
  Error why_broken_;
};

}  // namespace ride::stream
