#include "worker/core/ack_window.h"

#include <algorithm>

namespace ride::worker {

namespace {

// A camera that is away must not keep the topic from being cleaned: behind the front by more than this, it is
// forgotten.
constexpr std::int64_t kWarmupReach = 10'000;

}  // namespace

AckWindow::AckWindow(Offset start, stream::CommitMetadata metadata, int warmup_frames)
    : base_(std::move(metadata)),
      position_(start),
      warmup_frames_(static_cast<std::size_t>(warmup_frames)),
      warm_(!base_.warm_from) {}

void AckWindow::warmed_up_with(const std::string& source, Offset first) { remember(source, first); }

void AckWindow::remember(const std::string& source, Offset first) {
  if (warmup_frames_ == 0) return;
  auto& recent = recent_[source];
  recent.push_back(first);
  if (recent.size() > warmup_frames_) recent.pop_front();
}

std::optional<Offset> AckWindow::warm_from() const {
  std::optional<Offset> from;
  const auto reach = committable().value - kWarmupReach;
  for (const auto& [source, offsets] : recent_)
    if (offsets.back().value >= reach) from = from ? std::min(*from, offsets.front()) : offsets.front();
  return from;
}

AckWindow::Entry* AckWindow::find(Offset offset) {
  const auto found = entries_.find(offset);
  return found == entries_.end() ? nullptr : &found->second;
}

void AckWindow::read(Offset offset, const stream::AssemblyStep& step) {
  RIDE_CHECK(offset >= position_, "records of a partition come in offset order");
  position_ = step.without_record ? offset : Offset{offset.value + 1};
  entries_[offset] = Entry{.duplicate = step.duplicate};
  for (const auto settled : step.settled)
    if (auto* entry = find(settled)) entry->finished = true;
  if (step.accepted || step.ended) {
    SetState set;
    set.first = step.accepted ? step.accepted->first : offset;
    set.upstream = step.accepted ? step.accepted->upstream : *step.ended;
    set.key = step.accepted ? step.accepted->key : *step.ended_key;
    if (step.accepted && step.accepted->kind == stream::RecordKind::frame) set.source = step.accepted->header.id.source;
    set.is_end = step.ended.has_value();
    set.forwards_end = step.all_ended;
    entries_[offset].set = offset;
    // An end that is not the last one leads to nothing by itself.
    if (set.is_end && !set.forwards_end) entries_[offset].finished = true;
    if (step.accepted)
      for (const auto member : step.accepted->members)
        if (auto* entry = find(member)) entry->set = offset;
    sets_.emplace(offset, std::move(set));
  }
  advance();
}

void AckWindow::expire(Offset first, const std::vector<Offset>& settled) {
  RIDE_CHECK(first > position_, "what was read has not expired");
  entries_[position_] = Entry{.finished = true, .expired = first.value - position_.value};
  position_ = first;
  for (const auto offset : settled)
    if (auto* entry = find(offset)) entry->finished = true;
  advance();
}

void AckWindow::ack(Offset released_by, Counted counted) {
  const auto found = sets_.find(released_by);
  RIDE_CHECK(found != sets_.end() && !found->second.counted, "a set is ACKed once");
  found->second.counted = counted;
  for (auto it = entries_.lower_bound(found->second.first); it != entries_.end() && it->first <= released_by; ++it)
    if (it->second.set == released_by) it->second.finished = true;
  advance();
}

void AckWindow::ack_end(Offset released_by) {
  const auto found = sets_.find(released_by);
  RIDE_CHECK(found != sets_.end() && found->second.forwards_end, "only the last end record goes on");
  if (auto* entry = find(released_by)) entry->finished = true;
  advance();
}

void AckWindow::count(stream::OutcomeCounters& counters, Counted counted) {
  switch (counted) {
    case Counted::acked:
      ++counters.acked;
      return;
    case Counted::filtered:
      ++counters.filtered;
      return;
    case Counted::dropped:
      ++counters.dropped;
      return;
    case Counted::dead:
      ++counters.dead;
      return;
  }
}

// Moves the front over finished records; what they say about watermarks, ends and counts becomes part of the base.
void AckWindow::advance() {
  while (!entries_.empty() && entries_.begin()->second.finished) {
    const auto offset = entries_.begin()->first;
    if (entries_.begin()->second.duplicate) ++base_.counters.duplicates;
    base_.counters.expired += entries_.begin()->second.expired;
    if (const auto set = sets_.find(offset); set != sets_.end()) {
      base_.watermarks.raise(set->second.upstream, set->second.key);
      // What was finished in an earlier owner's time is behind the watermark now.
      if (auto keys = base_.finished.find(set->second.upstream); keys != base_.finished.end()) {
        keys->second.erase(keys->second.begin(), keys->second.upper_bound(set->second.key));
        if (keys->second.empty()) base_.finished.erase(keys);
      }
      if (set->second.is_end) base_.ended.insert(set->second.upstream);
      if (set->second.forwards_end) base_.forwarded_end = true;
      if (set->second.counted) count(base_.counters, *set->second.counted);
      if (!set->second.source.empty()) remember(set->second.source, set->second.first);
      sets_.erase(set);
    }
    entries_.erase(entries_.begin());
  }
}

Offset AckWindow::committable() const { return entries_.empty() ? position_ : entries_.begin()->first; }

stream::CommitMetadata AckWindow::metadata() const {
  auto metadata = base_;
  if (warm_) metadata.warm_from = warm_from();
  const auto front = committable();
  // Sets that began before the front and are ACKed beyond it: their remaining records must not be taken again.
  for (const auto& [released_by, set] : sets_) {
    if (!set.counted || set.first >= front || released_by < front) continue;
    metadata.finished[set.upstream].insert(set.key);
    count(metadata.counters, *set.counted);
  }
  return metadata;
}

}  // namespace ride::worker
