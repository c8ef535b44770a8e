// Scheduler: virtual time. Events run one after the other, by time and then in the order in which they were asked for,
// so that a seed gives the same run every time. Owner: one World; no threads.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/units.h"

namespace ride::simulation {

using Time = std::chrono::microseconds;  // since the run began, or a stretch of it
using Action = std::function<void()>;

class Scheduler {
 public:
  Time now() const { return now_; }
  SystemTime wall() const { return SystemTime(std::chrono::seconds(1'800'000'000)) + now_; }
  std::int64_t events() const { return events_; }

  void at(Time when, Action action) {
    heap_.push_back({std::max(when, now_), ++order_, std::move(action)});
    std::push_heap(heap_.begin(), heap_.end(), later);
  }
  void after(Time delay, Action action) { at(now_ + delay, std::move(action)); }

  // Runs the next event; false when there is none.
  bool step() {
    if (heap_.empty()) return false;
    std::pop_heap(heap_.begin(), heap_.end(), later);
    Event event = std::move(heap_.back());
    heap_.pop_back();
    now_ = event.when;
    ++events_;
    event.action();
    return true;
  }

 private:
  struct Event {
    Time when;
    std::int64_t order;
    Action action;
  };
  static bool later(const Event& a, const Event& b) { return std::pair(a.when, a.order) > std::pair(b.when, b.order); }

  Time now_{0};
  std::int64_t order_ = 0, events_ = 0;
  std::vector<Event> heap_;
};

// Its time as the product asks for it. It must live longer.
inline Clock clock_of(const Scheduler& scheduler) {
  return {.now = [&scheduler] { return std::chrono::steady_clock::time_point(scheduler.now()); },
          .wall = [&scheduler] { return scheduler.wall(); }};
}

}  // namespace ride::simulation
