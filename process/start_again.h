// StartAgain: how a process goes on under its name when its incarnation had to end (it was declared lost, a connection
// failed for good). Nothing can break off a task or a decoder that is at work, so the program ends, and what it held
// with it: no late result can be taken for the next incarnation's. Under an agent it exits, and the agent starts the
// next one; started by hand it becomes itself anew: the same process id, arguments, environment and inherited files.
// Who has to do so again within 10 s waits, up to 5 s. Threads: now() may be called from any; the first call counts.
#pragma once

#include <sched.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "common/result.h"

namespace ride::process {

class StartAgain {
 public:
  // First thing in main(): what is open then is what the next one gets.
  explicit StartAgain(char** arguments);

  // `stop`: the process was asked to stop, which it does instead. `code`: for the agent, or where it cannot run itself.
  [[noreturn]] void now(const std::atomic<bool>& stop, int code);
  bool has_agent() const { return has_agent_; }

 private:
  [[noreturn]] void become_anew(int code);

  std::vector<std::string> arguments_;
  std::set<int> inherited_;  // open files
  std::chrono::steady_clock::time_point began_;
  bool has_agent_ = false;
  int times_ = 0;      // in a row, so far
  cpu_set_t cores_{};  // that it may run on
  bool has_cores_ = false;
  int parent_death_ = 0;  // the signal that our parent's death sends us
  std::atomic<bool> called_ = false;
};

// Of a failure that ended an incarnation: a new one, with connections of its own, may not meet it again. A right that
// is missing stays missing.
inline bool may_start_again(const Error& error) { return error.code != ErrorCode::permission; }

// `end` is called when the process is still there after `limit`: who has failed, or was
// asked to stop, must end, whatever a library waits for.
void end_within(std::chrono::seconds limit, std::function<void()> end);

}  // namespace ride::process
