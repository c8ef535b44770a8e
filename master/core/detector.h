// Who is lost, found in the silence between the ticks of the log (decisions 0010 and 0026). A process is lost when it
// was silent for Rules::ticks_to_loss ticks, and for longer than its reports were ever irregular; not while its agent
// lists it as running, for Rules::most_vouched at most. A node is lost when its agent and all else on it are silent
// while other nodes are heard. Losses go to Due. Internal to master/core; pure.
#pragma once

#include "master/core/state.h"

namespace ride::master {

// A heartbeat of a process that is not out, before it becomes Process::last.
void hear(State& state, const stream::Heartbeat& beat, Process& process, SystemTime at);
// Of one that was declared lost, by silence for all that is known.
void note_false_loss(State& state, const WorkerId& id);

// A tick of the standing leader: it is counted, and all are looked at.
void pass_tick(State& state, SystemTime at);
// Any heartbeat shows that the log goes on: whole nodes are looked at four times in an interval.
void look_between_ticks(State& state, SystemTime at);

// What is missing of a node, in ticks, before it is lost.
std::int64_t node_ticks(const Rules& rules);

}  // namespace ride::master
