// apply(): the only way in which hard state changes (D2). Pure. Call for every record of ride.decisions, in log order.
#pragma once

#include "master/core/state.h"

namespace ride::master {

enum class Applied {
  counted,
  void_claim,     // not of the standing leader
  foreign_log,    // another log id than the log began with
  unreadable_snapshot,  // of another version, or broken: there is no state from here on
  contradiction,  // counts, but names what is not there or would turn an epoch back: nothing was changed
};

Applied apply(State& state, const stream::Decision& decision);

// The hard half, without the question of who decided it. False: a contradiction, nothing was changed.
bool apply_to(Hard& hard, const stream::DecisionBody& body);

// What is wrong with the state, by the invariants that can be seen in it: each owner is a living member of the group, a
// worker is in one group, indexes agree. For tests and assertions.
std::optional<std::string> find_violation(const Hard& hard);

}  // namespace ride::master
