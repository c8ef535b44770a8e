// Which processes the master keeps in mind. Anybody who can write reports can name processes; each costs memory and
// time with every tick. Those for whom something was decided are always kept, those that an agent announced (its slots
// and producers) up to Rules::most_announced, and those who announce themselves up to Rules::most_unannounced. Pure.
#pragma once

#include "master/core/state.h"

namespace ride::master {

// It is a member of a group, or a source is its own.
bool has_duty(const Hard& hard, const WorkerId& id);

// Of a process that is not known yet. False: there is no space for it; its heartbeat is not taken, and that is
// reported.
bool admit(State& state, const stream::Heartbeat& beat, SystemTime at);

// It reported a few times only, and nothing was decided for it: when it falls silent it is forgotten without a
// decision.
bool is_passing(const State& state, const WorkerId& id, const Process& process);
void forget(State& state, const WorkerId& id);

// With every tick: who is there now.
void count_processes(State& state);

// Of who has nothing to do, only the first entries of its lists are kept.
void trim(const Hard& hard, stream::Heartbeat& beat);

}  // namespace ride::master
