// What follows from how a child took a frame: the rules of decision 0007, for a process within the worker. Pure.
#pragma once

#include <string>

namespace ride::python {

enum class Attempt {
  done,       // process() returned
  raised,     // process() raised an exception
  ended,      // the child ended by itself: exit, a signal other than SIGKILL
  killed,     // SIGKILL that neither we nor the system for want of memory sent
  timed_out,  // we killed it: it took too long
  too_large,  // we killed it, or the system did: it used too much memory
  broken,     // it said something that it may not
};

// Of one frame.
struct Tries {
  int strikes = 0;
  int kills = 0;
};

enum class Next { deliver, dead, again };

// A second strike is the end of a frame, as a second worker's end is. Whoever kills processes by hand must not kill
// frames; but a script can kill itself as well, so that there is an end to that, too.
inline constexpr int kMostStrikes = 2;
inline constexpr int kMostKills = 10;

Next next_step(Tries& tries, Attempt attempt);

// "exit code 3", "signal 11 (segmentation fault)". `status`: of waitpid().
std::string how_it_ended(int status);
Attempt attempt_of(int status, bool out_of_memory);  // of a child that ended without us

}  // namespace ride::python
