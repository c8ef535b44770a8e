// Child: what the agent's loop holds of one slot: its log and output, its crash note, and the watch over both. The
// supervisor says when it is started and ended. Owner: the agent's loop; one thread.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>

#include "agent/child_log.h"
#include "agent/core/child_watch.h"
#include "agent/core/supervisor.h"
#include "agent/options.h"
#include "common/crash_note.h"
#include "stream/control.h"

namespace ride::agent {

class Child {
 public:
  explicit Child(ChildPlan plan) : plan_(std::move(plan)) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  Result<void> open_log(const std::filesystem::path& folder);
  // A new incarnation.
  Result<pid_t> launch();
  // What it says goes into its log.
  int output() const { return output_; }  // -1: nothing to read
  void drain_output();
  void stop_output();  // the pipe may be held open by a grandchild

  // A look at the running process: whether it is to be killed, and why.
  std::optional<ChildFault> look(pid_t pid, TimePoint now);
  // Of the process that has ended. `killed_outside`: a SIGKILL that is neither ours nor the system's for memory.
  stream::ChildExit report(const ReportExit& exit, bool killed_outside, bool out_of_memory) const;
  // "; its last log line: ... (see ...)", or nothing without a log.
  std::string last_words() const;

  const ChildPlan& plan() const { return plan_; }
  const WorkerId& incarnation() const { return incarnation_; }

 private:
  ChildPlan plan_;
  std::unique_ptr<ChildLog> log_;
  int output_ = -1;
  WorkerId incarnation_;  // that runs, or ran last
  std::optional<CrashNote> note_;
  ChildWatch watch_;
  std::optional<ChildFault> verdict_;
};

}  // namespace ride::agent
