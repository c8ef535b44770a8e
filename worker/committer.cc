#include "worker/committer.h"

#include <vector>

#include "common/guarded_thread.h"
#include "common/log.h"

namespace ride::worker {

using std::chrono::steady_clock;

Committer::Committer(std::shared_ptr<stream::CommitStore> store, std::string group, Committed committed)
    : store_(std::move(store)), group_(std::move(group)), committed_(std::move(committed)), flow_(steady_clock::now()) {
  thread_ = guarded_thread(
      "the committer", [this] { loop(); },
      [this](Error error) {
        const std::lock_guard lock(mutex_);
        if (!died_) died_ = std::move(error);
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
    flow_.put(at, std::move(commit));
  }
  wake_.notify_all();
}

void Committer::forget(const stream::TopicPartition& at) {
  const std::lock_guard lock(mutex_);
  flow_.forget(at);
}

std::optional<Error> Committer::failed() const {
  const std::lock_guard lock(mutex_);
  return died_ ? died_ : flow_.failed();
}

void Committer::loop() {
  std::unique_lock lock(mutex_);
  const auto ask_for = [&](CommitFlow::Request& request) { std::visit([&](auto& one) { ask(lock, one); }, request); };
  while (!stopping_) {
    if (auto request = flow_.next(steady_clock::now()))
      ask_for(*request);
    else
      wake_.wait_until(lock, flow_.next_at());
  }
  if (auto request = flow_.last()) ask_for(*request);  // one try
}

void Committer::ask(std::unique_lock<std::mutex>& lock, CommitFlow::Write& write) {
  lock.unlock();
  auto result = store_->commit(group_, write.commits);
  if (result.ok())
    for (const auto& [at, commit] : write.commits) committed_(at, commit);
  else
    log_debug("{}", result.error().message);
  lock.lock();
  flow_.answered(std::move(write), result, steady_clock::now());
}

void Committer::ask(std::unique_lock<std::mutex>& lock, const CommitFlow::ReadBack& request) {
  lock.unlock();
  auto found = store_->committed(group_, request.at);
  lock.lock();
  for (const auto& one : flow_.answered(request, found, steady_clock::now()))
    log_warning("the commit of {} was lowered to {} by a late one; committing {} again", to_string(one),
                (*found)[one] ? (*found)[one]->offset.value : -1, flow_.stands(one)->offset.value);
}

}  // namespace ride::worker
