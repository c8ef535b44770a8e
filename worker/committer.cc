#include "worker/committer.h"

#include <vector>

#include "common/log.h"

namespace ride::worker {

namespace {

constexpr auto kReadBackEvery = std::chrono::seconds(1);
constexpr auto kRetryAfter = std::chrono::milliseconds(50);

}  // namespace

Committer::Committer(std::shared_ptr<stream::CommitStore> store, std::string group, Committed committed)
    : store_(std::move(store)), group_(std::move(group)), committed_(std::move(committed)), thread_([this] { loop(); }) {}

Committer::~Committer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Committer::put(const stream::TopicPartition& at, stream::Commit commit) {
  {
    const std::lock_guard lock(mutex_);
    pending_[at] = std::move(commit);
  }
  wake_.notify_all();
}

void Committer::forget(const stream::TopicPartition& at) {
  const std::lock_guard lock(mutex_);
  pending_.erase(at);
  standing_.erase(at);
}

std::optional<Error> Committer::failed() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

void Committer::loop() {
  std::unique_lock lock(mutex_);
  auto next_read_back = std::chrono::steady_clock::now() + kReadBackEvery;
  for (;;) {
    wake_.wait_until(lock, next_read_back, [&] { return stopping_ || !pending_.empty(); });
    if (stopping_ && pending_.empty()) return;
    if (!pending_.empty()) write(lock);
    if (stopping_) return;  // one try for the last words
    if (std::chrono::steady_clock::now() < next_read_back) continue;
    if (!standing_.empty()) read_back(lock);
    next_read_back = std::chrono::steady_clock::now() + kReadBackEvery;
  }
}

void Committer::write(std::unique_lock<std::mutex>& lock) {
  auto taken = std::exchange(pending_, {});
  lock.unlock();
  auto result = store_->commit(group_, taken);
  if (result.ok())
    for (const auto& [at, commit] : taken) committed_(at, commit);
  lock.lock();
  if (result.ok()) {
    for (auto& [at, commit] : taken) standing_[at] = std::move(commit);
    return;
  }
  if (!result.error().retriable) {
    if (!failure_) failure_ = result.error();
    return;
  }
  log_debug("{}", result.error().message);
  pending_.merge(taken);  // newer ones stay
  wake_.wait_for(lock, kRetryAfter, [&] { return stopping_; });
}

void Committer::read_back(std::unique_lock<std::mutex>& lock) {
  std::vector<stream::TopicPartition> at;
  for (const auto& [one, commit] : standing_) at.push_back(one);
  lock.unlock();
  auto found = store_->committed(group_, at);
  lock.lock();
  if (!found.ok()) return;  // said by the next write
  for (const auto& [one, commit] : *found) {
    const auto ours = standing_.find(one);
    if (ours == standing_.end() || pending_.contains(one)) continue;
    if (commit && commit->offset >= ours->second.offset) continue;
    log_warning("the commit of {} was lowered to {} by a late one; committing {} again", to_string(one),
                commit ? commit->offset.value : -1, ours->second.offset.value);
    pending_[one] = ours->second;
  }
}

}  // namespace ride::worker
