// Whose story a decision belongs to, where it does not say so itself: a worker that is out was some job's. Asked before
// the decision is applied. Pure.
#pragma once

#include <string>
#include <vector>

#include "master/core/state.h"

namespace ride::master {

struct Concern {
  std::string job, stage;  // or source; empty: several of them
  bool operator==(const Concern&) const = default;
};

// Each job once; none for decisions that name their job, and for processes that nobody's work was with.
std::vector<Concern> concerns_of(const Hard& hard, const stream::DecisionBody& decision);

}  // namespace ride::master
