// decide(): what a master does about what happened. Pure: the same state and events give the same actions.
// Call order: apply() everything that stands in the log; then decide(); then perform the actions in order, where Append
// means: append, read back, apply(). Only then decide() again. Many events may be given at once, which then cost one
// round through the log.
#pragma once

#include <span>
#include <vector>

#include "master/core/event.h"

namespace ride::master {

// What a standby does instead of decide(): it listens. What reports contained and no leader has acted upon yet (a death
// that an agent saw) stays due, so that it can take over knowing all.
void stand_by(State& state, std::span<const Event> events);

// A leader that was deposed: what it was about to do is another's matter now. Afterwards stand_by().
void step_down(State& state);

// `now` stands in decisions and in deadlines; loss is counted in ticks, not by it.
std::vector<Action> decide(State& state, std::span<const Event> events, SystemTime now);

}  // namespace ride::master
