// Faults: what happens to the processes and brokers of a run, drawn from its seed. Pure values.
#pragma once

#include <string>
#include <vector>

#include "tests/simulation/random.h"
#include "tests/simulation/scheduler.h"

namespace ride::simulation {

enum class FaultKind {
  crash,          // killed; its agent starts another one
  pause,          // stopped and continued: a zombie, if it took long enough
  cut,            // off the network, then back
  deaf,           // cut off from the control topics only: a zombie that works on
  slow,           // all that it does takes ten times as long
  late_requests,  // its requests overtake each other, commits among them
  lost_answers,   // half of the answers do not come: commits and records are sent again
  broker,         // a broker is gone, others take over
  successor,      // who took over from this host is killed
  scribe,         // the master that writes the next snapshot is stopped or cut off in the middle of it
};
inline constexpr int kFaultKinds = 8;  // that are drawn for hosts; successors follow others
const char* to_string(FaultKind kind);

struct Fault {
  FaultKind kind;
  Time at, length;
  int target = 0;  // of the hosts, or of the brokers
};

struct Hosts {
  int masters = 2, producers = 2, workers = 0;
  int all() const { return masters + producers + workers; }
};

// From 3 to 10 of them between `from` and `until`, some with another one in their wake; none lasts longer than `until`.
// By time.
std::vector<Fault> draw_faults(Random& random, const Hosts& hosts, Time from, Time until);
std::string to_string(const Fault& fault, const std::string& target);

}  // namespace ride::simulation
