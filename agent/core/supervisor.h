// Supervisor: which child of an agent runs, is started again, or is made to end. Pure: time is an argument, what has to
// be done is returned, the shell (agent/agent.h) does it and reports what came of it. Owner: one thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace ride::agent {

using TimePoint = std::chrono::milliseconds;  // since any fixed start; never falls

struct SupervisorPolicy {
  TimePoint first_delay{50};      // from a death to the new start: short, a single crash should cost little
  TimePoint longest_delay{5000};  // the delay doubles with every death up to this
  TimePoint stable_after{10000};  // who ran this long begins with the first delay again
  TimePoint rejoins_after{1000};  // ... and so does one that had to end (kExitStartAgain) and had run this long
  TimePoint stop_deadline{5000};  // from SIGTERM to SIGKILL
};

enum class ChildState { waiting, running, stopping, ended };
const char* to_string(ChildState state);

// How a process ended: by exit(code), or by a signal (then code is -1).
struct ExitStatus {
  int code = -1;
  int signal = 0;
  bool operator==(const ExitStatus&) const = default;
};
std::string describe(const ExitStatus& status);  // "exit code 1", "signal 9 (SIGKILL)"

using SlotIndex = std::size_t;  // which child, counted from 0 in the order of the names

struct StartChild {
  SlotIndex slot;
  bool operator==(const StartChild&) const = default;
};
struct SignalChild {
  SlotIndex slot;
  pid_t pid;
  int signal;
  bool operator==(const SignalChild&) const = default;
};
// To be reported at once: the master moves the child's work without waiting for missed heartbeats.
struct ReportExit {
  SlotIndex slot;
  pid_t pid;
  ExitStatus status;
  bool ordered;          // we had asked it to stop
  TimePoint restart_in;  // 0 when ordered: it is not started again, or with others that are renewed
  bool operator==(const ReportExit&) const = default;
};
using Action = std::variant<StartChild, SignalChild, ReportExit>;

class Supervisor {
 public:
  explicit Supervisor(std::vector<std::string> names, SupervisorPolicy policy = {});

  // What is due at `now`: starts, and SIGKILL for those that did not end in time. Each is returned once.
  std::vector<Action> due(TimePoint now);
  // When due() is to be called again at the latest; nothing: only an event changes something.
  std::optional<TimePoint> next_due() const;

  // What came of a StartChild.
  void started(SlotIndex slot, pid_t pid, TimePoint now);
  void start_failed(SlotIndex slot, TimePoint now);

  // A child was seen to end. Nothing is returned for a pid that is none of ours.
  std::vector<Action> exited(pid_t pid, ExitStatus status, TimePoint now);

  // These have to end, and are started again when all of them have ended: no new one runs beside an old one.
  std::vector<Action> renew(const std::vector<SlotIndex>& slots, TimePoint now);

  // All have to end; nothing is started any more. A second call kills at once.
  std::vector<Action> stop(TimePoint now);
  bool finished() const;  // after stop(): nobody runs

  struct Slot {
    std::string name;
    ChildState state = ChildState::waiting;
    pid_t pid = 0;
    bool start_ordered = false;  // StartChild was returned, its outcome is not yet known
    bool killed = false;         // SIGKILL was returned
    bool renewed = false;        // until it is started again
    TimePoint since{0};          // running: start; stopping: order to end; waiting: when it was decided
    TimePoint due{0};            // waiting: when to start; stopping: when to kill
    TimePoint delay{0};          // before the latest start
    int restarts = 0;            // after ends of its own
  };
  const std::vector<Slot>& slots() const { return slots_; }

 private:
  void wait_for_restart(Slot& slot, TimePoint now);
  void order_end(SlotIndex index, TimePoint now, std::vector<Action>& actions);
  bool may_start(const Slot& slot) const;
  bool ran_long(const Slot& slot, const ExitStatus& status, TimePoint now) const;

  SupervisorPolicy policy_;
  std::vector<Slot> slots_;
  bool stopping_ = false;
};

}  // namespace ride::agent
