// Faults: what befalls the processes and brokers of a run, drawn from its seed. Pure values.
#pragma once

#include <string>
#include <vector>

#include "tests/simulation/random.h"
#include "tests/simulation/scheduler.h"

namespace ride::simulation {

enum class FaultKind {
  crash,         // killed; its agent starts another one
  pause,         // stopped and continued: a zombie, if it took long enough
  cut,           // off the network, then back
  slow,          // all that it does takes ten times as long
  late_requests, // its requests overtake each other, commits among them
  lost_answers,  // half of the answers do not come: commits and records are sent again
  broker,        // a broker is gone, others take over
};
inline constexpr int kFaultKinds = 7;
const char* to_string(FaultKind kind);

struct Fault {
  FaultKind kind;
  Time at, length;
  int target = 0;  // of the hosts, or of the brokers
};

// From 3 to 10 of them between `from` and `until`; none lasts longer than `until`. By time.
std::vector<Fault> draw_faults(Random& random, int hosts, Time from, Time until);
std::string to_string(const Fault& fault, const std::string& target);

}  // namespace ride::simulation
