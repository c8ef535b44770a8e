#include "producer/work_budget.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace ride::producer {
namespace {

// Nothing of a producer counts as hung: a source that waits for a disk holds up no other one.
constexpr auto kNeverHangs = std::chrono::hours(24 * 365);

std::string cause_of(const StruckItem& item) { return fmt::format("ended its producer twice ({})", item.cause); }

}  // namespace

int WorkBudget::free_place() const {
  const auto free = std::find(taken_.begin(), taken_.end(), false);
  return free == taken_.end() ? -1 : static_cast<int>(free - taken_.begin());
}

WorkBudget::Lease WorkBudget::enter(const FrameAtWork& item, bool alone) {
  std::unique_lock lock(mutex_);
  if (alone) {
    ++want_alone_;
    changed_.wait_for(lock, kPatience, [&] { return inside_ == 0; });
    --want_alone_;
  } else {
    changed_.wait_for(lock, kPatience, [&] { return !alone_ && want_alone_ == 0 && free_place() >= 0; });
  }
  const bool has_all = alone && inside_ == 0;
  alone_ = alone_ || has_all;
  ++inside_;
  const int place = free_place();
  if (place >= 0) taken_[static_cast<std::size_t>(place)] = true;
  if (place >= 0 && note_ != nullptr) note_->enter(item, kNeverHangs, place);
  changed_.notify_all();
  return Lease(this, place, has_all);
}

WorkBudget::Lease::~Lease() {
  if (budget_ == nullptr) return;
  const std::lock_guard lock(budget_->mutex_);
  if (place_ >= 0 && budget_->note_ != nullptr) budget_->note_->leave(place_);
  if (place_ >= 0) budget_->taken_[static_cast<std::size_t>(place_)] = false;
  if (alone_) budget_->alone_ = false;
  --budget_->inside_;
  budget_->used_bytes_ -= bytes_;
  budget_->changed_.notify_all();
}

void WorkBudget::Lease::reserve(std::int64_t bytes) {
  std::unique_lock lock(budget_->mutex_);
  if (bytes_ > 0 || bytes <= 0) return;
  budget_->changed_.wait(
      lock, [&] { return budget_->used_bytes_ == 0 || bytes <= budget_->memory_bytes_ - budget_->used_bytes_; });
  bytes_ = bytes;
  budget_->used_bytes_ += bytes;
}

std::optional<std::string> ItemWatch::quarantined(PartitionId partition, Offset offset) const {
  const auto found = struck_.find({partition, offset});
  if (found == struck_.end() || !found->second.quarantined) return std::nullopt;
  return cause_of(found->second);
}

std::optional<std::string> ItemWatch::any_quarantined() const {
  for (const auto& [place, item] : struck_)
    if (item.quarantined) return fmt::format("frame {} {}", place.second.value, cause_of(item));
  return std::nullopt;
}

WorkBudget::Lease ItemWatch::enter(PartitionId partition, Offset offset, const std::string& name) {
  return budget_.enter({job_, run_, StageName{source_}, partition, offset, name},
                       struck_.contains({partition, offset}));
}

}  // namespace ride::producer
