// FrameTimeLimit: how long a frame may stay inside process() without a sign of progress (decision 0007): what the stage
// states, or the largest of 10 s, 20 times the median, and what a large picture needs before there is a median. Pure:
// no clock. Owner: one thread.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace ride::worker {

class FrameTimeLimit {
 public:
  explicit FrameTimeLimit(std::chrono::milliseconds stated) : stated_(stated) {}  // 0: not stated

  void took(std::chrono::nanoseconds time);
  std::chrono::milliseconds allowed(std::int64_t picture_bytes) const;

 private:
  std::chrono::nanoseconds median() const;

  std::chrono::milliseconds stated_;
  std::array<std::chrono::nanoseconds, 63> recent_{};
  std::size_t count_ = 0, next_ = 0;
};

}  // namespace ride::worker
