// EventRing: the last things that people should know, decisions in words and notices, numbered. Threads: any. Memory:
// bounded.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "common/units.h"
#include "master/core/describe.h"

namespace ride::master {

struct PastEvent {
  std::int64_t number = 0;  // from 1
  SystemTime at{};
  EventText what;
};

class EventRing {
 public:
  explicit EventRing(std::size_t limit = 5000) : limit_(limit) {}

  void add(SystemTime at, EventText what) {
    const std::lock_guard lock(mutex_);
    events_.push_back({++last_, at, std::move(what)});
    if (events_.size() > limit_) events_.pop_front();
  }

  // Events behind number `after`, oldest first, at most `limit`.
  std::vector<PastEvent> since(std::int64_t after, std::size_t limit) const {
    const std::lock_guard lock(mutex_);
    std::vector<PastEvent> found;
    if (events_.empty()) return found;
    const auto first = events_.front().number;
    for (auto i = after < first ? 0 : static_cast<std::size_t>(after - first + 1);
         i < events_.size() && found.size() < limit; ++i)
      found.push_back(events_[i]);
    return found;
  }

 private:
  const std::size_t limit_;
  mutable std::mutex mutex_;
  std::deque<PastEvent> events_;
  std::int64_t last_ = 0;
};

}  // namespace ride::master
