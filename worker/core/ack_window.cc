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
    auto set = state_of(offset, step);
    entries_[offset].set = offset;
    // An end that is not the last one leads to nothing by itself.
    if (set.is_end && !set.forwards_end) entries_[offset].finished = true;
    if (step.accepted)
      for (const auto member : step.accepted->members)
        if (auto* entry = find(member)) entry->set = offset;
    const bool leads_to_nothing = set.late_for.has_value();
    sets_.emplace(offset, std::move(set));
    if (leads_to_nothing) finish(offset, Counted::acked, step.accepted->first);
  }
  for (const auto& ended : step.overdue) {
    auto& set = sets_.at(ended.released_by);
    set.joined = ended.joined;
    set.given_up = ended.given_up;
  }
  advance();
}

AckWindow::SetState AckWindow::state_of(Offset offset, const stream::AssemblyStep& step) const {
  SetState set;
  set.first = step.accepted ? step.accepted->first : offset;
  set.upstream = step.accepted ? step.accepted->upstream : *step.ended;
  set.key = step.accepted ? step.accepted->key : *step.ended_key;
  set.is_end = step.ended.has_value();
  set.forwards_end = step.all_ended;
  if (!step.accepted) return set;
  if (step.accepted->kind == stream::RecordKind::frame) set.source = step.accepted->header.id.source;
  set.joined = step.accepted->joined;
  set.late_for = step.accepted->late_for;
  return set;
}

void AckWindow::expire(Offset first, const std::vector<Offset>& settled) {
  RIDE_CHECK(first > position_, "what was read has not expired");
  entries_[position_] = Entry{.finished = true, .expired = first.value - position_.value};
  position_ = first;
  for (const auto offset : settled)
    if (auto* entry = find(offset)) entry->finished = true;
  advance();
}

std::vector<Offset> AckWindow::ack(Offset released_by, Counted counted) {
  const auto found = sets_.find(released_by);
  RIDE_CHECK(found != sets_.end() && !found->second.counted, "a set is ACKed once");
  auto acked = found->second.joined;
  acked.push_back(released_by);
  // They began with the first of them: what lies behind a commit in their middle must not be taken again.
  auto began = found->second.first;
  for (const auto offset : acked) began = std::min(began, sets_.at(offset).first);
  for (const auto offset : acked) finish(offset, offset == released_by ? counted : Counted::acked, began);
  advance();
  return acked;
}

void AckWindow::finish(Offset released_by, Counted counted, Offset began) {
  auto& set = sets_.at(released_by);
  for (auto it = entries_.lower_bound(set.first); it != entries_.end() && it->first <= released_by; ++it)
    if (it->second.set == released_by) it->second.finished = true;
  set.counted = counted;
  set.first = began;
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

void AckWindow::came_late(stream::LateFrames& frames, const TileCut& cut) {
  const auto late = frames.find(cut);
  if (late != frames.end() && --late->second.missing <= 0) frames.erase(late);
}

// Moves the front over finished records; what they say about watermarks, ends and counts becomes part of the base.
void AckWindow::advance() {
  while (!entries_.empty() && entries_.begin()->second.finished) {
    const auto offset = entries_.begin()->first;
    if (entries_.begin()->second.duplicate) ++base_.counters.duplicates;
    base_.counters.expired += entries_.begin()->second.expired;
    if (const auto set = sets_.find(offset); set != sets_.end()) {
      pass(set->second);
      sets_.erase(set);
    }
    entries_.erase(entries_.begin());
  }
  if (!base_.given_up.empty()) stream::forget_late_frames(base_.given_up, committable());
}

void AckWindow::pass(const SetState& set) {
  base_.watermarks.raise(set.upstream, set.key);
  // What was finished in an earlier owner's time is behind the watermark now.
  if (auto keys = base_.finished.find(set.upstream); keys != base_.finished.end()) {
    keys->second.erase(keys->second.begin(), keys->second.upper_bound(set.key));
    if (keys->second.empty()) base_.finished.erase(keys);
  }
  if (set.is_end) base_.ended.insert(set.upstream);
  if (set.forwards_end) base_.forwarded_end = true;
  if (set.counted) count(base_.counters, *set.counted);
  if (!set.source.empty()) remember(set.source, set.first);
  if (set.given_up) base_.given_up[set.given_up->cut] = set.given_up->late;
  if (set.late_for) came_late(base_.given_up, *set.late_for);
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
    if (set.given_up) metadata.given_up[set.given_up->cut] = set.given_up->late;
    if (set.late_for) came_late(metadata.given_up, *set.late_for);  // the next owner drops it
  }
  if (metadata.forwarded_end) metadata.given_up.clear();  // nothing comes any more
  stream::forget_late_frames(metadata.given_up, front);
  return metadata;
}

}  // namespace ride::worker
