// A master's state at the size that RIDE is made for, with the decisions that it takes applied as if they had been read
// back from the log: for what a decision costs. No Kafka, no processes. Owner: the object. Threads: one.
#pragma once

#include <chrono>
#include <vector>

#include "master/core/apply.h"
#include "master/core/decide.h"

namespace ride::bench {

struct BigShape {
  int workers = 1000, stages = 10, partitions = 1000;  // partitions: of each stage
};

class BigCluster {
 public:
  explicit BigCluster(const BigShape& shape = {});

  static stream::Heartbeat offer(int worker);
  // What this worker reports now: its partitions, each `frames` further than at the beginning.
  stream::Heartbeat beat(int worker, std::int64_t frames = 0) const;
  stream::Tick next_tick() const { return {1, "m", state.soft.ticks + 1}; }
  master::StageKey stage(int index) const;

  // Carries the events out to the end; CPU time inside decide() only, of the first round.
  std::chrono::duration<double, std::milli> handle(const std::vector<master::Event>& events);
  void pass(std::chrono::milliseconds time) { now_ += time; }
  SystemTime now() const { return now_; }
  void beat_all();  // who is not out
  // Everyone beats, and those who were asked to hand partitions back have done so, until nothing is on its way.
  void settle();

  master::State state;
  double filled_in = 0;  // ms that the first plan took

 private:
  void write(const stream::DecisionBody& body) { master::apply(state, {"log", 1, "m", body}); }
  std::chrono::duration<double, std::milli> round(const std::vector<master::Event>& events, bool& decided);
  std::vector<master::Event> answers() const;

  BigShape shape_;
  SystemTime now_{std::chrono::seconds(1'800'000'000)};
};

}  // namespace ride::bench
