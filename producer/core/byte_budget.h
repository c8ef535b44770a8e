// ByteBudget: one memory limit for all sources of a process (decision 0035). Pure bookkeeping; SharedBudget
// (producer/shared_budget.h) puts a lock around it.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace ride::producer {

// A source may hold its share (the limit divided by the sources) and, when it holds nothing, one frame above that, as
// long as the whole stays within the limit. A frame larger than the whole limit runs alone: only while nobody holds
// anything.
class ByteBudget {
 public:
  explicit ByteBudget(std::int64_t limit_bytes);

  void join(const std::string& source);
  void leave(const std::string& source);  // what it still holds is given back
  bool acquire(const std::string& source, std::int64_t bytes);
  void release(const std::string& source, std::int64_t bytes);

  std::int64_t held() const { return held_; }
  std::int64_t limit() const { return limit_; }

 private:
  std::int64_t limit_;
  std::int64_t held_ = 0;
  std::map<std::string, std::int64_t> by_source_;
};

}  // namespace ride::producer
