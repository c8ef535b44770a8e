#include "worker/committer.h"

#include <vector>

#include "common/guarded_thread.h"
#include "common/log.h"

namespace ride::worker {

namespace {

constexpr auto kReadBackEvery = std::chrono::seconds(1);
constexpr auto kRetryAfter = std::chrono::milliseconds(50);

}  // namespace

Committer::Committer(std::shared_ptr<stream::CommitStore> store, std::string group, Committed committed)
    : store_(std::move(store)), group_(std::move(group)), committed_(std::move(committed)) {
  thread_ = guarded_thread(
      "the committer", [this] { loop(); },
      [this](Error error) {
        const std::lock_guard lock(mutex_);
        if (!failure_) failure_ = std::move(error);
      });
}

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
    pending_.put(at, std::move(commit));
  }
  wake_.notify_all();
}

void Committer::forget(const stream::TopicPartition& at) {
  const std::lock_guard lock(mutex_);
  pending_.forget(at);
}

std::optional<Error> Committer::failed() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

void Committer::loop() {
  std::unique_lock lock(mutex_);
  auto next_read_back = std::chrono::steady_clock::now() + kReadBackEvery;
  for (;;) {
    wake_.wait_until(lock, next_read_back, [&] { return stopping_ || !pending_.idle(); });
    if (stopping_ && pending_.idle()) return;
    if (!pending_.idle()) write(lock);
    if (stopping_) return;  // one try for the last commits
    if (std::chrono::steady_clock::now() < next_read_back) continue;
    read_back(lock);
    next_read_back = std::chrono::steady_clock::now() + kReadBackEvery;
  }
}

void Committer::write(std::unique_lock<std::mutex>& lock) {
  auto taken = pending_.take();
  lock.unlock();
  auto result = store_->commit(group_, taken);
  if (result.ok())
    for (const auto& [at, commit] : taken) committed_(at, commit);
  lock.lock();
  if (result.ok()) {
    pending_.written(taken);
    return;
  }
  if (!result.error().retriable) {
    if (!failure_) failure_ = result.error();
    return;
  }
  log_debug("{}", result.error().message);
  pending_.refused(std::move(taken));
  wake_.wait_for(lock, kRetryAfter, [&] { return stopping_; });
}

void Committer::read_back(std::unique_lock<std::mutex>& lock) {
  const auto at = pending_.standing();
  if (at.empty()) return;
  lock.unlock();
  auto found = store_->committed(group_, at);
  lock.lock();
  if (!found.ok()) return;  // said by the next write
  for (const auto& one : pending_.read_back(*found))
    log_warning("the commit of {} was lowered to {} by a late one; committing {} again", to_string(one),
                (*found)[one] ? (*found)[one]->offset.value : -1, pending_.stands(one)->offset.value);
}

}  // namespace ride::worker
