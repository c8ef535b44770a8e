#include "worker/core/taken_partitions.h"

namespace ride::worker {

std::vector<PartitionId> TakenPartitions::drop(const DesiredState& duty) {
  std::vector<PartitionId> dropped;
  for (const auto& [partition, epoch] : taken_) {
    const auto wanted = duty.owns.find(partition);
    if (wanted == duty.owns.end() || wanted->second != epoch) dropped.push_back(partition);
  }
  for (const auto partition : dropped) {
    taken_.erase(partition);
    released_.erase(partition);
  }
  return dropped;
}

std::map<PartitionId, Epoch> TakenPartitions::missing(const DesiredState& duty) const {
  std::map<PartitionId, Epoch> missing;
  for (const auto& [partition, epoch] : duty.owns)
    if (!taken_.contains(partition)) missing.emplace(partition, epoch);
  return missing;
}

std::vector<PartitionId> TakenPartitions::release(const DesiredState& duty) {
  std::vector<PartitionId> released;
  for (const auto partition : duty.releasing)
    if (taken_.contains(partition) && released_.insert(partition).second) released.push_back(partition);
  return released;
}

std::vector<PartitionId> TakenPartitions::release_all() {
  std::vector<PartitionId> released;
  for (const auto& [partition, epoch] : taken_)
    if (released_.insert(partition).second) released.push_back(partition);
  return released;
}

void TakenPartitions::clear() {
  taken_.clear();
  released_.clear();
}

}  // namespace ride::worker
