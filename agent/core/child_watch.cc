#include "agent/core/child_watch.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/units.h"

namespace ride::agent {

std::optional<ChildFault> ChildWatch::saw(const ChildSeen& seen, TimePoint now) {
  const auto step = last_look_ ? std::min(now - *last_look_, kLongestStep) : TimePoint{0};
  last_look_ = now;
  if (judged_) return std::nullopt;
  if (seen.memory_limit > 0 && seen.memory_bytes > seen.memory_limit) {
    judged_ = true;
    return ChildFault{ChildFault::Kind::memory,
                      fmt::format("it uses {} of memory, and its limit is {}", format_byte_size({seen.memory_bytes}),
                                  format_byte_size({seen.memory_limit}))};
  }
  if (!seen.work || moved_ != seen.work->moved) {
    moved_ = seen.work ? std::optional(seen.work->moved) : std::nullopt;
    inside_ = TimePoint{0};
    return std::nullopt;
  }
  if (seen.stopped) return std::nullopt;
  inside_ += step;
  if (inside_ <= seen.work->allowed) return std::nullopt;
  judged_ = true;
  return ChildFault{
      ChildFault::Kind::hang,
      fmt::format("frame {} of stage {} has been inside process() for {} without a sign of progress, and may be "
                  "there for {} (frame_timeout)",
                  seen.work->at.frame, seen.work->at.stage.value, format_duration(inside_),
                  format_duration(seen.work->allowed))};
}

}  // namespace ride::agent
