#include "producer/work_room.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace ride::producer {
namespace {

// Nothing of a producer counts as hung: a source that waits for a disk holds up no other one.
constexpr auto kNeverHangs = std::chrono::hours(24 * 365);

std::string cause_of(const StruckItem& item) { return fmt::format("ended its producer twice ({})", item.cause); }

}  // namespace

int WorkRoom::free_place() const {
  const auto free = std::find(taken_.begin(), taken_.end(), false);
  return free == taken_.end() ? -1 : static_cast<int>(free - taken_.begin());
}

WorkRoom::Stay WorkRoom::enter(const FrameAtWork& item, bool alone) {
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
  return Stay(this, place, has_all);
}

WorkRoom::Stay::~Stay() {
  if (room_ == nullptr) return;
  const std::lock_guard lock(room_->mutex_);
  if (place_ >= 0 && room_->note_ != nullptr) room_->note_->leave(place_);
  if (place_ >= 0) room_->taken_[static_cast<std::size_t>(place_)] = false;
  if (alone_) room_->alone_ = false;
  --room_->inside_;
  room_->used_bytes_ -= bytes_;
  room_->changed_.notify_all();
}

void WorkRoom::Stay::take(std::int64_t bytes) {
  std::unique_lock lock(room_->mutex_);
  if (bytes_ > 0 || bytes <= 0) return;
  room_->changed_.wait(lock,
                       [&] { return room_->used_bytes_ == 0 || bytes <= room_->memory_bytes_ - room_->used_bytes_; });
  bytes_ = bytes;
  room_->used_bytes_ += bytes;
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

WorkRoom::Stay ItemWatch::enter(PartitionId partition, Offset offset, const std::string& name) {
  return room_.enter({job_, run_, StageName{source_}, partition, offset, name}, struck_.contains({partition, offset}));
}

}  // namespace ride::producer
