// Two processes of one name: agents of one node name, cloned machines, a worker that was started twice. The name
// belongs to who has it, as long as that one reports; who comes later waits, and is refused when both go on reporting.
// When the one who has it falls silent or ends, the other takes its place. Decided here only, for all of them, by ticks
// of the log (decision 0025). Pure.
#pragma once

#include "master/core/state.h"

namespace ride::master {

// Of a process that is not known yet. True: another one has its name, and nothing of it is taken for now.
bool waits_for_name(State& state, const stream::Heartbeat& beat);
// A process that is known reported; called before the heartbeat is applied.
void note_holder(State& state, const WorkerId& id);
// With every tick: who waited and fell silent is forgotten.
void forget_rivals(State& state);

}  // namespace ride::master
