// What a schedule of faults did, fault by fault and in all. Pure values; as a table and as JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "chaos/core/effect.h"
#include "chaos/core/plan.h"
#include "common/json.h"

namespace ride::chaos {

// A fault as it happened.
struct Struck {
  Fault fault;
  std::string victim;               // who it was
  SystemTime at{}, ended{};         // ended: when it was continued, fixed, started again
  std::string problem;              // why it could not be done; empty: it was
  std::optional<double> detect_ms;  // until the log held the decision about it: declared out (worker, node), a new
                                    // leader (master); nothing: nobody had to decide anything
  Effect effect;
  std::int64_t redelivered = 0, lost = 0, twice = 0;  // of frames captured from this fault until the next
  bool overlaps = false;  // another fault was not over yet: their effects cannot be distinguished
};

struct Report {
  std::uint64_t seed = 0;
  SystemTime plan_began{};  // what the plan's times count from
  std::vector<Struck> faults;
  std::vector<std::string> crashes;  // programs that ended by a signal that was no fault, with their last words
  std::int64_t sent = 0, lost = 0, twice = 0, redelivered = 0;
  double usual_ms = 0;
  bool clean() const { return lost == 0 && twice == 0 && crashes.empty(); }
};

std::string to_text(const Report& report);
nlohmann::ordered_json to_json(const Report& report);

}  // namespace ride::chaos
