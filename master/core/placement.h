// place(): who gets which partition of a stage. Numbers in, moves out; someone else makes decisions of them. Pure and
// deterministic. Cost: O((partitions + members) log members), and for each one that is asked back the partitions of its
// owner.
#pragma once

#include <vector>

#include "common/ids.h"

namespace ride::master {

struct GroupView {
  static constexpr int kNobody = -1;
  static constexpr int kOutsider = -2;  // owned by someone who shall not keep it

  struct Member {
    NodeName node;
    bool able = true;     // false: it still fetches what its task opens, and is given nothing
    bool ready = true;    // warm: a move to it is worth its while now
    double speed = 1;     // frames per busy second
    bool keeps = false;   // it got one a short while ago: it is not asked for any
    bool enough = false;  // it gave one a short while ago: none is asked back for it
  };
  struct Slot {
    int owner = kNobody;     // index of a member
    bool releasing = false;  // its owner was asked to hand it back
    bool free = false;       // ... and did, or its time is up: it may be given away
    double weight = 1;       // frames per second that it asks for
  };
  std::vector<Member> members;
  std::vector<Slot> partitions;
};

struct Moves {
  struct Give {
    PartitionId partition;
    int to = 0;
  };
  std::vector<Give> give;            // in order of partitions
  std::vector<PartitionId> release;  // to be asked for, so that they can be given
  bool by_measure = false;           // ... because of speeds and weights, not of their number
  bool look_again = false;           // still uneven: a move comes first, or a member that lacks some is not ready yet
};

// Partitions without an owner go to the members that are busiest last with them (weight over speed), over nodes in
// turn; where no member is able, they wait without one. When none is on the move, as few as possible are asked back.
// Equal speeds and weights: afterwards loads differ by one at most. Otherwise one at a time, from the busiest, and only
// where the gain is worth a move, which a measurement that wavers is not; a member that has none gets its share at
// once. Nobody who got one to even out the load gives one soon after, nor the other way round.
Moves place(const GroupView& view);

}  // namespace ride::master
