// TakenPartitions: which partitions of its stage a worker has taken, at which epoch, and what brings that in line with
// its duty. Pure. Owner: the worker's control thread, or the simulator's.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "worker/core/assignment_view.h"

namespace ride::worker {

class TakenPartitions {
 public:
  // Those that are another's now, or ours at another epoch: they count as dropped.
  std::vector<PartitionId> drop(const DesiredState& duty);
  // Those that are ours and not taken yet: each that was is told by took().
  std::map<PartitionId, Epoch> missing(const DesiredState& duty) const;
  void took(PartitionId partition, Epoch epoch) { taken_[partition] = epoch; }
  // Those that are to be handed back: each once.
  std::vector<PartitionId> release(const DesiredState& duty);
  std::vector<PartitionId> release_all();

  bool contains(PartitionId partition) const { return taken_.contains(partition); }
  bool empty() const { return taken_.empty(); }
  void clear();

 private:
  std::map<PartitionId, Epoch> taken_;
  std::set<PartitionId> released_;  // asked to
};

}  // namespace ride::worker
