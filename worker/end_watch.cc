#include "worker/end_watch.h"

#include "common/guarded_thread.h"
#include "common/log.h"

namespace ride::worker {

namespace {

constexpr auto kAskEvery = std::chrono::milliseconds(500);

}  // namespace

EndWatch::EndWatch(Ask ask, std::function<std::vector<stream::TopicPartition>()> owned)
    : ask_(std::move(ask)), owned_(std::move(owned)) {
  if (ask_) thread_ = guarded_thread("the watch over the logs' ends", [this] { loop(); });
}

EndWatch::~EndWatch() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::optional<Offset> EndWatch::end_of(const stream::TopicPartition& at) const {
  const std::lock_guard lock(mutex_);
  const auto found = ends_.find(at);
  return found == ends_.end() ? std::nullopt : std::optional(found->second);
}

void EndWatch::loop() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kAskEvery, [&] { return stopping_; })) {
    lock.unlock();
    const auto owned = owned_();
    auto ends = owned.empty() ? Result<Ends>(Ends{}) : ask_(owned);
    lock.lock();
    if (ends.ok())
      ends_ = std::move(ends).value();
    else
      log_debug("{}", ends.error().message);
  }
}

}  // namespace ride::worker
