#include "agent/core/supervisor.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <csignal>

#include "common/check.h"
#include "common/exit_codes.h"

namespace ride::agent {

const char* to_string(ChildState state) {
  switch (state) {
    case ChildState::waiting:
      return "waiting";
    case ChildState::running:
      return "running";
    case ChildState::stopping:
      return "stopping";
    case ChildState::ended:
      return "ended";
  }
  return "ended";
}

std::string describe(const ExitStatus& status) {
  if (status.signal == 0) return fmt::format("exit code {}", status.code);
  const char* name = sigabbrev_np(status.signal);
  return name == nullptr ? fmt::format("signal {}", status.signal)
                         : fmt::format("signal {} (SIG{})", status.signal, name);
}

Supervisor::Supervisor(std::vector<std::string> names, SupervisorPolicy policy) : policy_(policy) {
  for (auto& name : names) slots_.push_back(Slot{.name = std::move(name)});
}

// Of those that are renewed none before the last has ended.
bool Supervisor::may_start(const Slot& slot) const {
  return slot.state == ChildState::waiting && !slot.start_ordered &&
         !(slot.renewed && std::any_of(slots_.begin(), slots_.end(), [](const Slot& other) {
             return other.renewed && other.state == ChildState::stopping;
           }));
}

std::vector<Action> Supervisor::due(TimePoint now) {
  std::vector<Action> actions;
  for (SlotIndex i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    if (may_start(slot) && now >= slot.due) {
      slot.start_ordered = true;
      actions.push_back(StartChild{i});
    } else if (slot.state == ChildState::stopping && !slot.killed && now >= slot.due) {
      slot.killed = true;
      actions.push_back(SignalChild{i, slot.pid, SIGKILL});
    }
  }
  return actions;
}

std::optional<TimePoint> Supervisor::next_due() const {
  std::optional<TimePoint> next;
  for (const Slot& slot : slots_) {
    const bool starts = may_start(slot);
    const bool kills = slot.state == ChildState::stopping && !slot.killed;
    if ((starts || kills) && (!next || slot.due < *next)) next = slot.due;
  }
  return next;
}

void Supervisor::started(SlotIndex slot, pid_t pid, TimePoint now) {
  Slot& child = slots_.at(slot);
  RIDE_CHECK(child.start_ordered, "a child was started without an order");
  child.start_ordered = false;
  child.state = ChildState::running;
  child.pid = pid;
  child.since = now;
  child.killed = false;
  child.renewed = false;
}

void Supervisor::start_failed(SlotIndex slot, TimePoint now) {
  Slot& child = slots_.at(slot);
  RIDE_CHECK(child.start_ordered, "a child failed to start without an order");
  child.start_ordered = false;
  ++child.restarts;
  wait_for_restart(child, now);
}

void Supervisor::wait_for_restart(Slot& slot, TimePoint now) {
  slot.state = ChildState::waiting;
  slot.pid = 0;
  slot.delay = slot.delay.count() == 0 ? policy_.first_delay : std::min(slot.delay * 2, policy_.longest_delay);
  slot.since = now;
  slot.due = now + slot.delay;
}

bool Supervisor::ran_long(const Slot& slot, const ExitStatus& status, TimePoint now) const {
  return now - slot.since >= (status.code == kExitStartAgain ? policy_.rejoins_after : policy_.stable_after);
}

std::vector<Action> Supervisor::exited(pid_t pid, ExitStatus status, TimePoint now) {
  const auto found = std::find_if(slots_.begin(), slots_.end(), [pid](const Slot& s) { return s.pid == pid; });
  if (pid <= 0 || found == slots_.end()) return {};
  const SlotIndex index = static_cast<SlotIndex>(found - slots_.begin());
  Slot& slot = *found;
  if (slot.state == ChildState::stopping) {
    slot.state = slot.renewed && !stopping_ ? ChildState::waiting : ChildState::ended;
    slot.pid = 0;
    slot.due = now;
    return {ReportExit{index, pid, status, true, TimePoint{0}}};
  }
  if (ran_long(slot, status, now)) slot.delay = TimePoint{0};
  if (status.code != kExitStartAgain) ++slot.restarts;
  wait_for_restart(slot, now);
  return {ReportExit{index, pid, status, false, slot.delay}};
}

void Supervisor::order_end(SlotIndex index, TimePoint now, std::vector<Action>& actions) {
  Slot& slot = slots_[index];
  slot.state = ChildState::stopping;
  slot.since = now;
  slot.due = now + policy_.stop_deadline;
  actions.push_back(SignalChild{index, slot.pid, SIGTERM});
}

std::vector<Action> Supervisor::renew(const std::vector<SlotIndex>& slots, TimePoint now) {
  std::vector<Action> actions;
  if (stopping_) return actions;
  for (const SlotIndex index : slots) {
    Slot& slot = slots_.at(index);
    slot.renewed = true;
    slot.delay = TimePoint{0};
    if (slot.state == ChildState::waiting) slot.due = now;
    if (slot.state == ChildState::running) order_end(index, now, actions);
  }
  return actions;
}

std::vector<Action> Supervisor::stop(TimePoint now) {
  std::vector<Action> actions;
  for (SlotIndex i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    if (slot.state == ChildState::waiting) slot.state = ChildState::ended;
    if (slot.state == ChildState::running) {
      order_end(i, now, actions);
    } else if (slot.state == ChildState::stopping && !slot.killed) {
      slot.killed = true;
      actions.push_back(SignalChild{i, slot.pid, SIGKILL});
    }
  }
  stopping_ = true;
  return actions;
}

bool Supervisor::finished() const {
  return stopping_ &&
         std::all_of(slots_.begin(), slots_.end(), [](const Slot& s) { return s.state == ChildState::ended; });
}

}  // namespace ride::agent
