// SharedBudget: the process's ByteBudget behind a lock. Threads: any.
#pragma once

#include <mutex>
#include <string>

#include "producer/core/byte_budget.h"

namespace ride::producer {

class SharedBudget {
 public:
  explicit SharedBudget(std::int64_t limit_bytes) : budget_(limit_bytes) {}

  void join(const std::string& source) {
    with([&](ByteBudget& budget) { budget.join(source); });
  }
  void leave(const std::string& source) {
    with([&](ByteBudget& budget) { budget.leave(source); });
  }
  bool acquire(const std::string& source, std::int64_t bytes) {
    const std::lock_guard lock(mutex_);
    return budget_.acquire(source, bytes);
  }
  void release(const std::string& source, std::int64_t bytes) {
    with([&](ByteBudget& budget) { budget.release(source, bytes); });
  }
  std::int64_t limit() const { return budget_.limit(); }  // never changes
  std::int64_t held() {
    const std::lock_guard lock(mutex_);
    return budget_.held();
  }

 private:
  template <class Change>
  void with(Change change) {
    const std::lock_guard lock(mutex_);
    change(budget_);
  }
  std::mutex mutex_;
  ByteBudget budget_;
};

}  // namespace ride::producer
