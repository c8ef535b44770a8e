// DecisionsFilter: from the raw records of ride.decisions to the decisions that count. Used by every reader but the
// master, which keeps the same rules beside its state. What is no decision, or of another log, or a snapshot that
// cannot be read, is refused: it changes nothing and ends nobody. Failure: only a log that begins, behind a truncation,
// with a snapshot that cannot be read, since its reader would know nothing of what stood before. Pure; one thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "stream/control.h"
#include "stream/core/leader_filter.h"
#include "stream/core/refusals.h"
#include "stream/core/snapshot.h"

namespace ride::stream {

// Whether a reader knows all that was decided before its place in the log. What stands at offset 0 has nothing before
// it, a first claim begins anew, and a whole snapshot contains the rest. Nobody can write in front of what stands, so
// no record can take this away (decision 0021).
class KnownBefore {
 public:
  void read(Offset at) {
    if (!any_) known_ = at.value == 0;
    any_ = true;
  }
  void counted(const DecisionBody& body) {
    if (const auto* claim = std::get_if<Claim>(&body)) known_ = known_ || claim->epoch == 1;
  }
  void restored() { known_ = true; }
  bool all() const { return known_; }

 private:
  bool any_ = false, known_ = false;
};

// The error of who knows nothing and finds such a snapshot.
Error nothing_is_known(Offset at, const std::string& why);

class DecisionsFilter {
 public:
  // Every record, in log order. Nothing: it does not count, or was refused.
  Result<std::optional<Decision>> accept(Offset at, std::string_view json, SystemTime now);
  // Truncation overtook the reader: it begins again at the log's first record.
  void restart();

  const std::string& log() const { return standing_.log(); }
  std::int64_t refused() const { return refusals_.count(); }
  std::vector<std::string> take_words() { return std::exchange(words_, {}); }  // to be logged, since the last call

 private:
  void refuse(Refused kind, Offset at, const std::string& why, SystemTime now);

  LeaderFilter standing_;
  SnapshotAssembler assembler_;
  KnownBefore before_;
  Refusals refusals_;
  std::vector<std::string> words_;
};

}  // namespace ride::stream
