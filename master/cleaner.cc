#include "master/cleaner.h"

#include <algorithm>
#include <set>

#include "stream/core/commit_metadata.h"

namespace ride::master {

Cleaner::Round Cleaner::clean(const std::vector<std::shared_ptr<const stream::JobSpec>>& jobs, SystemTime now) {
  Round round;
  std::set<std::string> topics;
  for (const auto& job : jobs) {
    for (const auto& stage : job->stages) {
      if (stage.adopt) continue;  // belongs to somebody else
      topics.insert(stage.topic);
      auto deleted = clean(stage, now);
      if (deleted.ok())
        round.deleted += *deleted;
      else if (!round.failure)
        round.failure = deleted.error();
    }
  }
  std::erase_if(progress_, [&](const auto& entry) { return !topics.contains(entry.first.topic); });
  return round;
}

Result<std::int64_t> Cleaner::clean(const stream::StageSpec& stage, SystemTime now) {
  std::vector<stream::TopicPartition> at;
  at.reserve(static_cast<std::size_t>(stage.partitions));
  for (int p = 0; p < stage.partitions; ++p) at.push_back({stage.topic, PartitionId{p}});
  RIDE_ASSIGN(auto commits, commits_.committed(stage.group_id, at));
  std::int64_t total = 0;
  for (const auto& [one, commit] : commits) {
    if (!commit) continue;
    // Less what a stateful task's next owner is warmed up with.
    auto until = commit->offset;
    if (auto metadata = stream::unpack_commit_metadata(commit->metadata); metadata.ok() && metadata->warm_from)
      until = std::min(until, *metadata->warm_from);
    RIDE_ASSIGN(auto deleted, clean(stage, one, until, now));
    total += deleted;
  }
  return total;
}

Result<std::int64_t> Cleaner::clean(const stream::StageSpec& stage, const stream::TopicPartition& at, Offset committed,
                                    SystemTime now) {
  auto [found, fresh] = progress_.try_emplace(at, Progress{Offset{0}, std::nullopt});
  auto& progress = found->second;
  Offset until = std::min(progress.committed, committed);
  progress.committed = committed;
  if (until.value <= 0 || (progress.deleted && until <= *progress.deleted)) return std::int64_t{0};
  if (stage.keep_ms > 0) {
    RIDE_ASSIGN(auto kept, admin_.offset_at(at, now - std::chrono::milliseconds(stage.keep_ms)));
    until = std::min(until, kept);
  }
  if (!progress.deleted) {
    RIDE_ASSIGN(auto range, admin_.range(at));
    progress.deleted = range.first;
  }
  if (until <= *progress.deleted) return std::int64_t{0};
  RIDE_TRY(admin_.delete_before(at, until));
  const auto count = until.value - progress.deleted->value;
  progress.deleted = until;
  return count;
}

}  // namespace ride::master
