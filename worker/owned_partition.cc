#include "worker/owned_partition.h"

namespace ride::worker {

OwnedPartition::OwnedPartition(stream::TopicPartition where, Epoch epoch_now, const stream::Commit& commit,
                               const stream::CommitMetadata& metadata, stream::SetAssembler::Config assembler,
                               int warmup_frames)
    : at(std::move(where)),
      epoch(epoch_now),
      reading{.assembler = stream::SetAssembler(assembler, metadata), .next = commit.offset, .start = commit.offset},
      writing{.flow = PartitionFlow(commit.offset, metadata, warmup_frames)} {
  if (warmup_frames > 0 && metadata.warm_from && *metadata.warm_from < commit.offset) {
    reading.next = *metadata.warm_from;
    assembler.checks_sessions = assembler.checks_offsets = false;  // what was taken there was looked at before
    reading.warming = std::make_unique<stream::SetAssembler>(std::move(assembler), stream::CommitMetadata{});
  }
  progress.partition = at.partition;
  progress.epoch = epoch;
  progress.position = progress.committed = commit.offset.value;
  progress.counters = metadata.counters;
  progress.ended = metadata.forwarded_end;
}

void OwnedPartitions::put(const OwnedPtr& owned) {
  const std::lock_guard lock(mutex_);
  owned_[owned->at.partition] = owned;
}

OwnedPtr OwnedPartitions::find(PartitionId partition) const {
  const std::lock_guard lock(mutex_);
  const auto found = owned_.find(partition);
  return found == owned_.end() ? nullptr : found->second;
}

void OwnedPartitions::erase(const OwnedPtr& owned) {
  const std::lock_guard lock(mutex_);
  const auto found = owned_.find(owned->at.partition);
  if (found != owned_.end() && found->second == owned) owned_.erase(found);
}

std::vector<OwnedPtr> OwnedPartitions::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<OwnedPtr> all;
  for (const auto& [partition, owned] : owned_) all.push_back(owned);
  return all;
}

}  // namespace ride::worker
