// apply(): the only way in which hard state changes (decision 0031). Pure. Call for every record of ride.decisions, in
// log order.
#pragma once

#include "master/core/state.h"

namespace ride::master {

enum class Applied {
  counted,
  void_claim,           // not of the standing leader
  foreign_log,          // another log id than the log began with: nothing was changed
  unreadable_snapshot,  // of another version, broken, or it does not hold together: nothing was changed
  contradiction,        // names what is not there, or would turn an epoch back or far ahead: nothing was changed
};

Applied apply(State& state, const stream::Decision& decision);

// The hard half, without the question of who decided it. False: a contradiction, nothing was changed.
bool apply_to(Hard& hard, const stream::DecisionBody& body);

inline constexpr std::size_t kMostStrikesOfFrame = 100;  // long before, it is quarantined or cleared

// Why a job cannot be accepted, or queued, now, as far as readers of the decision would refuse it; nothing: it can.
std::optional<std::string> why_not_accept(const Hard& hard, const stream::JobSpec& spec);

// What is wrong with the state, by the invariants that can be seen in it: each owner is a living member of the group, a
// worker is in one group, indexes agree. Asserted by tests, and asked of every snapshot before it is taken.
std::optional<std::string> find_violation(const Hard& hard);

}  // namespace ride::master
