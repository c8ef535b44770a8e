#include "worker/deferred_work.h"

#include <algorithm>
#include <chrono>
#include <set>

#include "common/cause.h"
#include "common/guarded_thread.h"
#include "worker/visible_retry.h"

namespace ride::worker {
namespace {

constexpr std::size_t kThreads = 4, kMostSets = 16;
constexpr std::int64_t kMostBytes = 64 << 20;
constexpr auto kLook = std::chrono::milliseconds(100);  // whether the stage stops

Result<void> attempt(const std::function<Result<void>()>& work) {
  try {
    return work();
  } catch (const std::exception& failure) {
    return Error{ErrorCode::internal, cause_of(failure)};
  }
}

}  // namespace

void DeferredWork::add(const OwnedPtr& owned, stream::AcceptedSet set, Processed result) {
  auto item = std::make_unique<Item>();
  item->owned = owned;
  item->result = std::move(result);
  for (const auto& frame : set.frames) item->bytes += static_cast<std::int64_t>(frame.payload.bytes.size());
  item->set = std::move(set);
  std::unique_lock lock(mutex_);
  while (!context_.stopping && !items_.empty() && (items_.size() >= kMostSets || bytes_ + item->bytes > kMostBytes))
    changed_.wait_for(lock, kLook);
  if (context_.stopping) return;
  bytes_ += item->bytes;
  items_.push_back(std::move(item));
  if (threads_.size() < kThreads)
    threads_.push_back(guarded_thread(
        "a thread of deferred work", [this] { work(); }, [this](Error error) { context_.fail(std::move(error)); }));
  changed_.notify_all();
}

bool DeferredWork::holds(const OwnedPartition& owned) const {
  return std::any_of(items_.begin(), items_.end(), [&](const auto& item) { return item->owned.get() == &owned; });
}

bool DeferredWork::is_busy_with(const OwnedPartition& owned) {
  const std::lock_guard lock(mutex_);
  return holds(owned);
}

void DeferredWork::finish(const OwnedPartition& owned) {
  std::unique_lock lock(mutex_);
  while (!context_.stopping && holds(owned)) changed_.wait_for(lock, kLook);
}

// The task goes next: nobody may be in its work any more, whatever stops.
void DeferredWork::give_up(const OwnedPartition& owned) {
  std::unique_lock lock(mutex_);
  for (const auto& item : items_)
    if (item->owned.get() == &owned) item->given_up = true;
  while (holds(owned)) {
    if (died_) leave_waiting(owned);
    if (holds(owned)) changed_.wait_for(lock, kLook);
  }
  std::erase_if(broken_off_, [&](const OwnedPtr& one) { return one.get() == &owned; });  // nothing is added to it now
}

// With a thread that has died, nobody may be there to begin it, or to hand on what is done.
void DeferredWork::leave_waiting(const OwnedPartition& owned) {
  std::erase_if(items_, [&](const auto& item) {
    const bool left = item->owned.get() == &owned && item->state != Item::State::running;
    if (left) bytes_ -= item->bytes;
    return left;
  });
}

void DeferredWork::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
  items_.clear();
}

// An exception here ends the incarnation, in order: nobody waits for what this thread was at.
void DeferredWork::work() {
  Item* running = nullptr;
  try {
    loop(running);
  } catch (...) {
    const std::lock_guard lock(mutex_);
    died_ = true;
    if (running != nullptr) running->state = Item::State::left;
    changed_.notify_all();
    throw;
  }
}

void DeferredWork::loop(Item*& running) {
  std::unique_lock lock(mutex_);
  while (!stopped_ && !died_) {
    const auto next = std::find_if(items_.begin(), items_.end(),
                                   [](const auto& item) { return item->state == Item::State::waiting; });
    if (next == items_.end()) {
      changed_.wait(lock);
      continue;
    }
    Item& item = **next;  // stays where it is until it is done
    item.state = Item::State::running;
    running = &item;
    lock.unlock();
    run(item);
    lock.lock();
    running = nullptr;  // its state says what became of it
    hand_on();
    changed_.notify_all();
  }
}

void DeferredWork::run(Item& item) {
  VisibleRetry retry(context_, item.set.header.id);
  const auto over = [&] { return context_.stopping || item.owned->dropped || item.given_up; };
  auto state = context_.stopping ? Item::State::left : Item::State::done;
  for (const auto& work : item.result.deferred) {
    if (state == Item::State::left) break;
    auto result = attempt(work);
    while (!result.ok() && result.error().retriable && state == Item::State::done) {
      if (retry.wait(result.error(), over))
        result = attempt(work);
      else
        state = Item::State::left;
    }
    if (state == Item::State::done && !result.ok()) {
      item.result = item.owned->computing.processor->failed(item.set, result.error());
      break;
    }
  }
  if (state == Item::State::done) retry.succeeded();
  const std::lock_guard lock(mutex_);
  item.state = state;
}

// What is done goes on as soon as nothing of its partition before it is under way.
void DeferredWork::hand_on() {
  if (died_) return;  // it may have died while it handed something on
  std::set<const OwnedPartition*> under_way;
  for (auto at = items_.begin(); at != items_.end();) {
    auto& item = **at;
    const bool over = item.state == Item::State::done || item.state == Item::State::left;
    if (!over || under_way.contains(item.owned.get())) {
      under_way.insert(item.owned.get());
      ++at;
      continue;
    }
    // What comes behind a set that was left would reach the next stage before it, where it would then count as a
    // repeat.
    if (item.state == Item::State::left) broken_off_.insert(item.owned);
    if (!broken_off_.contains(item.owned)) {
      item.result.deferred.clear();
      done_(item.owned, item.set.header.id, std::move(item.result));
    }
    bytes_ -= item.bytes;
    at = items_.erase(at);
  }
}

}  // namespace ride::worker
