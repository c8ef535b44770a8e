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
    return decision.epoch == epoch_ && decision.leader == leader_;
  }

  const std::string& log() const { return log_; }  // id of the control logs; empty before the first record
  std::int64_t epoch() const { return epoch_; }
  const std::string& leader() const { return leader_; }

 private:
  std::string log_, leader_;
  std::int64_t epoch_ = 0;
};

}  // namespace ride::stream
