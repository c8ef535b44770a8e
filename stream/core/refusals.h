// Refusals: records of a control topic that were refused are counted, and reported at a rate that a flood of them
// cannot raise: the first of each kind at once, then one a minute with how many there were since. Pure; one thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "common/units.h"

namespace ride::stream {

enum class Refused {
  unreadable,     // no record of this topic, or out of its limits
  foreign_log,    // of another log id
  contradiction,  // names what is not there, or would turn an epoch back or far ahead
  snapshot,       // cannot be read, or does not hold together
  forged,         // written under a claim by somebody else than who holds it
};
const char* to_string(Refused kind);  // as a label of metrics

class Refusals {
 public:
  // What to report now; nothing: it was reported a short while ago. Foreign text in `why` is made printable.
  std::optional<std::string> add(Refused kind, std::string why, SystemTime now);
  std::int64_t count() const { return count_; }

 private:
  struct Kind {
    std::optional<SystemTime> reported;
    std::int64_t unreported = 0;
  };
  std::array<Kind, 5> kinds_;
  std::int64_t count_ = 0;
};

}  // namespace ride::stream
