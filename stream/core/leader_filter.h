// LeaderFilter: which leader's decisions count (decision 0008). The first claim of the next epoch in log order wins;
// records of any other (epoch, id) are void. A log begins with a claim or with a snapshot, which gives the log its id;
// what comes before, and what bears another id, counts for nobody. Pure; every reader of the decisions log has one.
#pragma once

#include <cstdint>
#include <string>

#include "stream/control.h"
#include "stream/core/control_limits.h"

namespace ride::stream {

class LeaderFilter {
 public:
  // Feed every record in log order. True when it counts (a winning claim counts, too).
  bool counts(const Decision& decision) {
    if (epoch_ == 0) return begins(decision);
    if (decision.log != log_) return false;
    if (const auto* claim = std::get_if<Claim>(&decision.body)) {
      // By one: no single claim uses the numbers up. Who claims has read the standing one.
      if (claim->epoch != epoch_ + 1 || claim->epoch > kMostNumber) return false;
      epoch_ = claim->epoch;
      leader_ = claim->id;
      return true;
    }
    return decision.epoch == epoch_ && decision.leader == leader_;
  }
  bool is_foreign(const Decision& decision) const { return !log_.empty() && decision.log != log_; }
  // A claim that leaves epochs out: nobody who has read the standing one writes it.
  bool is_ahead(const Decision& decision) const {
    const auto* claim = std::get_if<Claim>(&decision.body);
    return claim != nullptr && epoch_ > 0 && claim->epoch > epoch_ + 1;
  }

  // For a reader that truncation has overtaken: it begins again at the snapshot, in the same log.
  void restart() {
    epoch_ = 0;
    leader_.clear();
  }

  bool operator==(const LeaderFilter&) const = default;

  const std::string& log() const { return log_; }  // id of the control logs; empty before the first record
  std::int64_t epoch() const { return epoch_; }
  const std::string& leader() const { return leader_; }

 private:
  bool begins(const Decision& decision) {
    const auto* claim = std::get_if<Claim>(&decision.body);
    const auto* part = std::get_if<SnapshotPart>(&decision.body);
    // A snapshot at the beginning was valid: nothing else is ever truncated behind.
    const auto epoch = claim != nullptr ? claim->epoch : part != nullptr && part->part == 1 ? decision.epoch : 0;
    if (epoch < 1 || epoch > kMostAtBegin || decision.log.empty() || is_foreign(decision)) return false;
    log_ = decision.log;
    epoch_ = epoch;
    leader_ = claim != nullptr ? claim->id : decision.leader;
    return true;
  }

  std::string log_, leader_;
  std::int64_t epoch_ = 0;
};

// Two masters that found the log empty both made an id for it up; the first one's is the one.
inline bool lost_the_first_race(const Decision& decision) {
  const auto* claim = std::get_if<Claim>(&decision.body);
  return claim != nullptr && claim->epoch == 1;
}

}  // namespace ride::stream
