// Decided: which decisions take effect. All readers of ride.decisions must agree on that, so the members ask the rules
// by which the master itself changes its state: a decision that contradicts what stands before it changes nothing for
// anybody. Feed what stream::DecisionsFilter lets through. Pure; one thread.
#pragma once

#include "master/core/apply.h"

namespace ride::master {

class Decided {
 public:
  // Every decision that counts, in log order. False: it changes nothing, and is to be passed over.
  bool apply(const stream::Decision& decision);

 private:
  bool apply(const stream::Decision& decision, const stream::SnapshotPart& part);

  Hard hard_;
  stream::SnapshotAssembler assembler_;
};

}  // namespace ride::master
