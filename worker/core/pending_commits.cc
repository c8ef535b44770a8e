#include "worker/core/pending_commits.h"

#include <utility>

namespace ride::worker {

void PendingCommits::forget(const stream::TopicPartition& at) {
  pending_.erase(at);
  standing_.erase(at);
}

PendingCommits::Commits PendingCommits::take() { return std::exchange(pending_, {}); }

void PendingCommits::written(const Commits& commits) {
  for (const auto& [at, commit] : commits) standing_[at] = commit;
}

void PendingCommits::refused(Commits commits) { pending_.merge(commits); }  // newer ones stay

std::vector<stream::TopicPartition> PendingCommits::standing() const {
  std::vector<stream::TopicPartition> at;
  for (const auto& [one, commit] : standing_) at.push_back(one);
  return at;
}

std::vector<stream::TopicPartition> PendingCommits::read_back(
    const std::map<stream::TopicPartition, std::optional<stream::Commit>>& found) {
  std::vector<stream::TopicPartition> lowered;
  for (const auto& [one, commit] : found) {
    const auto ours = standing_.find(one);
    if (ours == standing_.end() || pending_.contains(one)) continue;
    // At the same offset, too: a late commit knows less of what was finished beyond it.
    if (commit && (commit->offset > ours->second.offset || *commit == ours->second)) continue;
    pending_[one] = ours->second;
    lowered.push_back(one);
  }
  return lowered;
}

const stream::Commit* PendingCommits::stands(const stream::TopicPartition& at) const {
  const auto found = standing_.find(at);
  return found == standing_.end() ? nullptr : &found->second;
}

}  // namespace ride::worker
