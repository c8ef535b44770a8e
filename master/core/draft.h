// Draft: the decisions of one step. Each is applied to a private copy of the hard state at once, so that the next one
// is made with it in mind, by the same rules that hold when it is read back. Pure; lives for one call of decide().
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/check.h"
#include "master/core/apply.h"
#include "master/core/event.h"

namespace ride::master {

class Draft {
 public:
  Draft(const Hard& hard, SystemTime now) : hard_(hard), now_(now) {}

  const Hard& hard() const { return hard_; }  // with all decisions so far
  SystemTime now() const { return now_; }

  void decide(stream::DecisionBody decision) {
    RIDE_CHECK(apply_to(hard_, decision), "a decision contradicts the state that it was made from");
    decisions_.push_back(std::move(decision));
  }
  template <class T>
  void act(T action) {
    actions_.emplace_back(std::in_place_type<T>, std::move(action));
  }

  // Decisions first: what follows from them is done only when they stand in the log.
  std::vector<Action> take() {
    std::vector<Action> all;
    if (!decisions_.empty()) all.emplace_back(Append{std::move(decisions_)});
    for (auto& action : actions_) all.push_back(std::move(action));
    return all;
  }

 private:
  Hard hard_;
  SystemTime now_;
  std::vector<stream::DecisionBody> decisions_;
  std::vector<Action> actions_;
};

}  // namespace ride::master
