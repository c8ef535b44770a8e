// Which of the workers that are there is the best for a group: right device, surely alive (heard a moment ago, on a
// node where nobody fell silent), warm, nothing wasted that others ask for, on the node with the fewest of the group,
// then the one whose cores and memory fit most closely, then by name. Pure; keeps references to the state, for one
// step.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "master/core/state.h"

namespace ride::master {

class Candidates {
 public:
  using Offers = std::map<WorkerId, const stream::Heartbeat*>;

  Candidates(const State& state, SystemTime now);

  const stream::Heartbeat* offer(const WorkerId& worker) const;  // null: it never sent a heartbeat
  void add(Offers& offers, const WorkerId& worker) const;        // unless it never sent a heartbeat
  Offers idle(const Hard& hard) const;                           // who is in no group
  // Nothing when none of them fits.
  std::optional<WorkerId> best(const StageKey& key, const stream::StageSpec& spec, const Stage& stage,
                               const Offers& offers) const;

 private:
  bool is_doubtful(const WorkerId& worker, const stream::Heartbeat& beat) const;
  std::map<NodeName, int> members_by_node(const Stage& stage) const;

  const State& state_;
  std::set<NodeName> suspected_;
};

}  // namespace ride::master
