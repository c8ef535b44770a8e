#include "worker/core/commit_flow.h"

#include <algorithm>
#include <utility>

namespace ride::worker {
namespace {

constexpr auto kReadBackEvery = std::chrono::seconds(1);
constexpr auto kRetryAfter = std::chrono::milliseconds(50);

}  // namespace

CommitFlow::CommitFlow(TimePoint now) : read_back_at_(now + kReadBackEvery), retry_at_(now) {}

void CommitFlow::put(const stream::TopicPartition& at, stream::Commit commit) {
  forgotten_.erase(at);
  pending_.put(at, std::move(commit));
}

void CommitFlow::forget(const stream::TopicPartition& at) {
  pending_.forget(at);
  if (asked_) forgotten_.insert(at);
}

std::optional<CommitFlow::Request> CommitFlow::next(TimePoint now) {
  if (asked_) return std::nullopt;
  // First: commits that come all the time would never leave it a turn.
  if (now >= read_back_at_) {
    read_back_at_ = now + kReadBackEvery;
    if (auto at = pending_.standing(); !at.empty()) {
      asked_ = true;
      return ReadBack{std::move(at)};
    }
  }
  if (pending_.idle() || now < retry_at_) return std::nullopt;
  asked_ = true;
  return Write{pending_.take()};
}

CommitFlow::TimePoint CommitFlow::next_at() const {
  if (asked_) return TimePoint::max();
  return pending_.idle() ? read_back_at_ : std::min(retry_at_, read_back_at_);
}

std::optional<CommitFlow::Request> CommitFlow::last() {
  if (pending_.idle()) return std::nullopt;
  asked_ = true;
  return Write{pending_.take()};
}

void CommitFlow::answered(Write write, const Result<void>& result, TimePoint now) {
  asked_ = false;
  for (const auto& at : std::exchange(forgotten_, {})) write.commits.erase(at);
  if (result.ok()) return pending_.written(write.commits);
  if (!result.error().retriable) {
    if (!failure_) failure_ = result.error();
    return;
  }
  pending_.refused(std::move(write.commits));
  retry_at_ = now + kRetryAfter;
}

std::vector<stream::TopicPartition> CommitFlow::answered(const ReadBack&, const Result<Found>& found, TimePoint now) {
  asked_ = false;
  forgotten_.clear();
  read_back_at_ = now + kReadBackEvery;  // from the answer on: one that takes long must leave writes their turn
  if (!found.ok()) return {};
  return pending_.read_back(*found);
}

}  // namespace ride::worker
