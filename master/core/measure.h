// What a stage and its workers do, measured from heartbeats (decision 0014). Unknown is not zero: what nobody has
// reported yet is nullopt. Times are the log's. Soft state: rebuilt by listening for some seconds. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "common/units.h"
#include "stream/control.h"

namespace ride::master {

// One worker's speed at the stage that it has open, over about the last five seconds in which it worked.
class WorkerRate {
 public:
  void add(const stream::Heartbeat& beat, SystemTime at);
  std::optional<double> frames_per_busy_second() const;
  std::optional<double> utilisation() const;  // busy share of the time, 0..1

 private:
  std::string group_;
  std::int64_t frames_ = 0;  // as last reported
  double busy_ = 0;
  SystemTime at_{};
  double recent_frames_ = 0, rated_busy_ = 0;    // decayed sums: of the speed ...
  double recent_busy_ = 0, recent_elapsed_ = 0;  // ... and of the utilisation
};

// What comes into a stage's topic and what is finished there.
class StageFlow {
 public:
  // The owner's report of one partition, and what was last known of it (no job there: nothing).
  void add(const stream::PartitionProgress& before, const stream::PartitionProgress& now);
  void sample(SystemTime at);  // at each look at the sizes

  // Frames per second, over the last second, or as far back as it takes to see ten of them; unknown while less than
  // half a second was seen.
  std::optional<double> arrival() const;
  // What it is at least: frames come by chance, and n of them may as well have been n - sqrt(n). Of arrival()'s window
  // with twice that deviation, and of the last ten seconds.
  std::optional<double> arrival_at_least() const;
  std::optional<double> steady_at_least() const;
  // Frames without an ACK, of the partitions that were reported; `more` records that nobody reported are counted as
  // well.
  std::int64_t lag(std::int64_t more = 0) const;

 private:
  struct Sample {
    SystemTime at{};
    std::int64_t arrived = 0;  // records
  };
  const Sample* begin_of_window() const;  // null: too little was seen
  double at_least(const Sample& begin, double deviations) const;
  double frames_per_record() const;  // chunks and sets of several records count as one

  std::int64_t arrived_ = 0;                  // records
  std::int64_t lag_ = 0;                      // records
  std::int64_t committed_ = 0, counted_ = 0;  // of all partitions: records and frames, since the run began
  std::deque<Sample> samples_;
};

// How many workers would have been enough lately: a group shrinks only to the most of its calm time.
class SizeHistory {
 public:
  void add(SystemTime at, int enough, std::chrono::milliseconds calm);
  void clear() { enough_.clear(); }
  // The most of the last `calm`; nothing while less of it was seen.
  std::optional<int> most(SystemTime at, std::chrono::milliseconds calm) const;

 private:
  std::deque<std::pair<SystemTime, int>> enough_;  // falling: who is followed by a greater one does not matter any more
  SystemTime since_{};
};

}  // namespace ride::master
