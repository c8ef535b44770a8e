#include "worker/core/partition_flow.h"

#include <algorithm>

namespace ride::worker {

void PartitionFlow::read(Offset offset, const stream::AssemblyStep& step) {
  if (given_up_) return;
  if (step.accepted && !step.accepted->late_for) {
    unacked_[step.accepted->released_by] = step.accepted->header.captured_at;
    if (!step.held) ++processing_;
  }
  processing_ += static_cast<std::int64_t>(step.overdue.size());
  window_.read(offset, step);
}

void PartitionFlow::expire(Offset first, const std::vector<Offset>& settled) {
  if (!given_up_) window_.expire(first, settled);
}

std::vector<PartitionFlow::Sending> PartitionFlow::processed(Processed result) {
  --processing_;
  if (result.is_end) ends_.emplace_back(result.released_by, std::move(result.end_sets));
  for (const auto& group : result.released) {
    for (const auto& [offset, how] : held_[group]) let_go(offset, how);
    held_.erase(group);
  }
  if (result.held) held_[*result.held].emplace_back(result.released_by, result.counted);
  const Batch batch{
      .released_by = result.released_by, .counted = result.counted, .acks = !result.is_end && !result.held};
  return begin(batch, std::move(result.sets));
}

std::vector<PartitionFlow::Sending> PartitionFlow::begin(Batch batch, std::vector<SetToSend> sets) {
  if (sets.empty()) return finish(batch);
  batch.left = sets.size();
  batches_[++last_batch_] = batch;
  std::vector<Sending> sendings;
  sendings.reserve(sets.size());
  for (auto& set : sets) sendings.push_back({std::move(set), last_batch_});
  in_flight_ += static_cast<std::int64_t>(sendings.size());
  return sendings;
}

std::vector<PartitionFlow::Sending> PartitionFlow::delivered(std::int64_t number) {
  const auto found = batches_.find(number);
  RIDE_CHECK(found != batches_.end(), "a set is delivered once");
  --in_flight_;
  if (--found->second.left > 0) return {};
  const auto batch = found->second;
  batches_.erase(found);
  return finish(batch);
}

std::vector<PartitionFlow::Sending> PartitionFlow::finish(const Batch& batch) {
  if (batch.is_end) {
    window_.ack_end(batch.released_by);
    unacked_.erase(batch.released_by);
    return {};
  }
  if (batch.acks) ack(batch.released_by, batch.counted);
  return send_ready_end();
}

// What it led to may still be on its way.
void PartitionFlow::let_go(Offset released_by, Counted counted) {
  for (auto& [number, batch] : batches_) {
    if (batch.released_by != released_by || batch.is_end) continue;
    batch.acks = true;
    return;
  }
  ack(released_by, counted);
}

void PartitionFlow::ack(Offset released_by, Counted counted) {
  for (const auto offset : window_.ack(released_by, counted)) unacked_.erase(offset);
}

bool PartitionFlow::is_too_large(const stream::Commit& commit,
                                 const std::vector<stream::UpstreamSpec>& upstreams) const {
  const auto size = static_cast<std::int64_t>(commit.metadata.size());
  return size > std::max(stream::kCommonMetadataLimit, stream::max_packed_bytes(upstreams));
}

// The end goes on when all before it is ACKed (decision 0040).
std::vector<PartitionFlow::Sending> PartitionFlow::send_ready_end() {
  if (ends_.empty() || in_flight_ > 0 || window_.committable() != ends_.front().first) return {};
  auto [released_by, sets] = std::move(ends_.front());
  ends_.pop_front();
  return begin({.released_by = released_by, .is_end = true}, std::move(sets));
}

}  // namespace ride::worker
