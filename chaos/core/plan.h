// A plan of faults: what is done to whom, when and for how long; and its random part, drawn from a seed. Pure values.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "common/units.h"

namespace ride::chaos {

enum class FaultKind {
  kill,  // SIGKILL; an agent restarts its workers, all else is started again after `back_after`
  stop,  // SIGSTOP, then SIGCONT after its duration: the process was away and believes that it was not
  cut,   // its packets are dropped for the duration, it goes on working
  slow,  // a share of one core for the duration
};
const char* to_string(FaultKind kind);
std::optional<FaultKind> parse_fault_kind(std::string_view text);

// Whom it hits: "worker", "node", "master", "broker" (one of them at random), or one by name: "node2-w1", "node2",
// "master1", "broker3".
struct Fault {
  milliseconds at{0};  // since the calm before
  FaultKind kind = FaultKind::kill;
  std::string target;
  milliseconds lasts{0};  // stop, cut, slow
  int percent = 20;       // slow: of one core
  bool operator==(const Fault&) const = default;
};
std::string describe(const Fault& fault);  // "stop node2 for 3s"

// So many faults of a kind, spread at random over the plan's time.
struct RandomFaults {
  FaultKind kind = FaultKind::kill;
  std::string target;
  int count = 0;
  milliseconds shortest{2000}, longest{4000};  // stop, cut, slow
  int percent = 20;
  bool operator==(const RandomFaults&) const = default;
};

struct Plan {
  int brokers = 1, masters = 1, nodes = 3, slots = 2;  // the local run: `slots` workers on each node
  milliseconds calm{5000};                             // before the first fault and after the last
  milliseconds over{0};                                // how long the random faults take; 0: there are none
  milliseconds back_after{1000};                       // what was killed and has no agent to restart it
  std::vector<Fault> faults;
  std::vector<RandomFaults> random;
  bool operator==(const Plan&) const = default;
};

// All faults in order of time. Of the random ones each gets an equal slice of `over` and falls at a random moment
// within it, in random order: they are spread, and may still overlap. The same seed gives the same schedule.
std::vector<Fault> schedule_of(const Plan& plan, std::uint64_t seed);

// What cannot work: a fault without time, a broker where there is only one (it is killed: then nothing runs), and the
// like.
Result<void> check_plan(const Plan& plan);

}  // namespace ride::chaos
