// ChildWatch: whether one child hangs inside process() (decision 0007) or has more memory than it may. Fed with what
// was seen of it every fraction of a second. Only time that was watched counts: not while the child is stopped, and not
// while the watcher itself did not run. Pure: time is an argument. Owner: one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "agent/core/supervisor.h"
#include "common/crash_note.h"

namespace ride::agent {

struct ChildSeen {
  std::optional<WorkNoted> work;  // the frame inside process()
  bool stopped = false;           // by SIGSTOP or a debugger: it does not hang, it is held
  std::int64_t memory_bytes = 0;  // resident, without what it shares
  std::int64_t memory_limit = 0;  // 0: none
};

struct ChildFault {
  enum class Kind { hang, memory } kind;
  std::string text;  // for people
};

class ChildWatch {
 public:
  static constexpr TimePoint kLongestStep{1000};  // between two looks: what is above it was not watched

  // Nothing: it goes on. A verdict is given once.
  std::optional<ChildFault> saw(const ChildSeen& seen, TimePoint now);
  void restart() { *this = {}; }  // another child has its place

 private:
  std::optional<std::uint64_t> moved_;  // of the frame that is inside
  TimePoint inside_{0};                 // watched, without a sign of progress
  std::optional<TimePoint> last_look_;
  bool judged_ = false;
};

}  // namespace ride::agent
