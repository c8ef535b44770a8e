// Standing: which leader's decisions count (D4). The first claim of a higher epoch in log order wins; records of any other
// (epoch, id) are void. Pure; every reader of the decisions log has one.
#pragma once

#include <cstdint>
#include <string>

#include "stream/control.h"

namespace ride::stream {

class Standing {
 public:
  // Feed every record in log order. True when it counts (a winning claim counts, too).
  bool counts(const Decision& decision) {
    if (log_.empty()) log_ = decision.log;
    if (decision.log != log_) return false;
    if (const auto* claim = std::get_if<Claim>(&decision.body)) {
      if (claim->epoch <= epoch_) return false;
      epoch_ = claim->epoch;
      leader_ = claim->id;
      return true;
    }
    if (epoch_ == 0 && std::holds_alternative<SnapshotPart>(decision.body)) {
      // The log begins with it, so it was valid: nothing else is ever truncated behind.
      epoch_ = decision.epoch;
      leader_ = decision.leader;
    }
    return decision.epoch == epoch_ && decision.leader == leader_;
  }

  // For a reader that truncation has overtaken: it begins again at the snapshot, in the same log.
  void restart() {
    epoch_ = 0;
    leader_.clear();
  }

  bool operator==(const Standing&) const = default;

  const std::string& log() const { return log_; }  // id of the control logs; empty before the first record
  std::int64_t epoch() const { return epoch_; }
  const std::string& leader() const { return leader_; }

 private:
  std::string log_, leader_;
  std::int64_t epoch_ = 0;
};

}  // namespace ride::stream
