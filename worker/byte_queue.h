// ByteQueue: a queue between two threads, bounded in bytes. One item larger than the bound passes when the queue is
// empty. Full: push() waits. close() wakes everyone; what is in the queue can still be taken.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace ride::worker {

template <class Item>
class ByteQueue {
 public:
  explicit ByteQueue(std::int64_t limit_bytes) : limit_bytes_(limit_bytes) {}

  // False when the queue was closed: the item was not taken.
  bool push(Item item, std::int64_t bytes) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || items_.empty() || bytes_ + bytes <= limit_bytes_; });
    if (closed_) return false;
    items_.emplace_back(std::move(item), bytes);
    bytes_ += bytes;
    changed_.notify_all();
    return true;
  }

  // Before all others, also when it is full; it counts no bytes. False: closed.
  bool push_first(Item item) {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    items_.emplace_front(std::move(item), 0);
    changed_.notify_all();
    return true;
  }

  // Nothing when none came in time, or when the queue is closed and empty.
  std::optional<Item> pop(std::chrono::milliseconds timeout) {
    std::unique_lock lock(mutex_);
    // A wait of no time at all is still a call of the system, and a turn of the scheduler.
    if (timeout.count() > 0) changed_.wait_for(lock, timeout, [&] { return closed_ || !items_.empty(); });
    if (items_.empty()) return std::nullopt;
    auto [item, bytes] = std::move(items_.front());
    items_.pop_front();
    bytes_ -= bytes;
    changed_.notify_all();
    return std::move(item);
  }

  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }
  bool closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
  }
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return items_.size();
  }
  std::int64_t bytes() const {
    const std::lock_guard lock(mutex_);
    return bytes_;
  }

 private:
  const std::int64_t limit_bytes_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<Item, std::int64_t>> items_;
  std::int64_t bytes_ = 0;
  bool closed_ = false;
};

}  // namespace ride::worker
