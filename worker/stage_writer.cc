#include "worker/stage_writer.h"

#include <algorithm>

namespace ride::worker {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr auto kPublishEvery = milliseconds(50);  // a takeover repeats at most this much that was done

}  // namespace

StageWriter::StageWriter(StagePlane& plane, OnReleased on_released)
    : plane_(plane),
      on_released_(std::move(on_released)),
      sets_(*plane.ports.writer),
      committer_(
          plane.ports.commits, plane.config.stage.group_id,
          [this](const stream::TopicPartition& at, const stream::Commit& commit) { was_committed(at, commit); }) {}

void StageWriter::start() {
  thread_ = std::thread([this] { loop(); });
}

void StageWriter::join() { thread_.join(); }

void StageWriter::was_committed(const stream::TopicPartition& at, const stream::Commit& commit) {
  const auto owned = plane_.owned.find(at.partition);
  if (!owned) return;
  auto metadata = stream::unpack_commit_metadata(commit.metadata);
  const std::lock_guard lock(owned->mutex);
  owned->progress.committed = commit.offset.value;
  owned->committed = commit;
  if (metadata.ok()) owned->progress.ended = metadata->forwarded_end;
}

void StageWriter::loop() {
  while (!plane_.stopping) {
    take_events();
    if (auto pumped = sets_.pump(sets_.idle() ? milliseconds(0) : milliseconds(1)); !pumped.ok()) {
      plane_.fail(pumped.error());
      return;
    }
    publish_all();
  }
}

void StageWriter::take_events() {
  const auto limit = plane_.config.write_queue_bytes;
  auto event =
      sets_.bytes() > limit ? std::nullopt : plane_.to_write.pop(sets_.idle() ? milliseconds(10) : milliseconds(0));
  while (event) {
    std::visit([this](auto& one) { write(std::move(one)); }, *event);
    if (sets_.bytes() > limit) return;
    event = plane_.to_write.pop(milliseconds(0));
  }
}

void StageWriter::publish_all() {
  for (auto it = writing_.begin(); it != writing_.end();) {
    const auto owned = it->second;
    if (owned->dropped) {
      it = writing_.erase(it);
      continue;
    }
    publish(owned, false);
    ++it;
  }
}

void StageWriter::write(WasRead event) {
  if (event.owned->dropped || event.owned->writing.releasing) return;
  auto& own = event.owned->writing;
  writing_[event.owned->at.partition] = event.owned;
  if (event.step.accepted) {
    own.captured[event.step.accepted->released_by] = event.step.accepted->header.captured_at;
    ++own.processing;
  }
  own.window.read(event.offset, event.step);
  own.dirty = true;
}

void StageWriter::write(HasExpired event) {
  if (event.owned->dropped || event.owned->writing.releasing) return;
  writing_[event.owned->at.partition] = event.owned;
  event.owned->writing.window.expire(event.first, event.settled);
  event.owned->writing.dirty = true;
}

void StageWriter::write(WarmedUp event) {
  if (event.owned->dropped) return;
  auto& window = event.owned->writing.window;
  event.first ? window.warmed_up_with(event.source, *event.first) : window.is_warm();
}

void StageWriter::write(WasProcessed event) {
  const auto owned = event.owned;
  if (owned->dropped) return;
  auto& own = owned->writing;
  --own.processing;
  auto& result = event.result;
  const auto released_by = result.released_by;
  const auto counted = result.counted;
  if (result.is_end) {
    auto end = Processed{};
    end.released_by = released_by;
    end.end_sets = std::move(result.end_sets);
    own.ends.push_back(std::move(end));
  }
  const bool acks_itself = !result.is_end && !result.held;
  for (const auto& group : result.released) {
    for (const auto& [offset, how] : own.held[group]) acked(owned, offset, how);
    own.held.erase(group);
  }
  if (result.held) own.held[*result.held].emplace_back(released_by, counted);
  send(owned, std::move(result.sets), [this, owned, released_by, counted, acks_itself] {
    if (acks_itself) acked(owned, released_by, counted);
    send_ready_end(owned);
  });
}

void StageWriter::write(MustRelease event) {
  if (event.owned->dropped) return;
  writing_[event.owned->at.partition] = event.owned;
  event.owned->writing.releasing = true;
  event.owned->writing.processing = 0;  // what was read and not begun: nobody will
  event.owned->writing.dirty = true;
}

void StageWriter::send(const OwnedPtr& owned, std::vector<SetToSend> sets, std::function<void()> delivered) {
  if (sets.empty()) return delivered();
  auto left = std::make_shared<std::size_t>(sets.size());
  for (auto& set : sets) {
    ++owned->writing.sets_in_flight;
    sets_.add(set.to, std::move(set.records), [this, owned, left, delivered](const Result<void>& result) {
      --owned->writing.sets_in_flight;
      if (!result.ok()) return plane_.fail(result.error());
      if (--*left == 0) delivered();
    });
  }
}

void StageWriter::acked(const OwnedPtr& owned, Offset released_by, Counted counted) {
  if (owned->dropped) return;
  owned->writing.window.ack(released_by, counted);
  owned->writing.captured.erase(released_by);
  owned->writing.dirty = true;
}

// The end goes on when all before it is ACKed (D16).
void StageWriter::send_ready_end(const OwnedPtr& owned) {
  auto& own = owned->writing;
  if (owned->dropped || own.ends.empty() || own.sets_in_flight > 0) return;
  const auto released_by = own.ends.front().released_by;
  if (own.window.committable() != released_by) return;
  auto end = std::move(own.ends.front());
  own.ends.pop_front();
  send(owned, std::move(end.end_sets), [this, owned, released_by] { end_went_on(owned, released_by); });
}

void StageWriter::end_went_on(const OwnedPtr& owned, Offset released_by) {
  if (owned->dropped) return;
  owned->writing.window.ack_end(released_by);
  owned->writing.captured.erase(released_by);
  owned->writing.dirty = true;
  publish(owned, true);
}

void StageWriter::show_progress(OwnedPartition& owned) const {
  const auto& own = owned.writing;
  const std::lock_guard lock(owned.mutex);
  owned.progress.position = own.window.position().value;
  owned.progress.counters = own.window.counters();
  owned.progress.oldest_unacked_age_ms = -1;
  if (own.captured.empty()) return;
  const auto oldest = std::min_element(own.captured.begin(), own.captured.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
  owned.progress.oldest_unacked_age_ms =
      std::chrono::duration<double, std::milli>(system_now() - oldest->second).count();
}

void StageWriter::publish(const OwnedPtr& owned, bool now) {
  auto& own = owned->writing;
  show_progress(*owned);
  const auto time = steady_clock::now();
  const bool finished = own.releasing && own.processing == 0 && own.sets_in_flight == 0 && own.ends.empty();
  if (!own.dirty && !finished) return;
  if (!now && !finished && time - own.published_at < kPublishEvery) return;
  own.dirty = false;
  own.published_at = time;
  stream::Commit commit{own.window.committable(), stream::pack(own.window.metadata())};
  if (own.published != commit) {
    own.published = commit;
    committer_.put(owned->at, commit);
  }
  if (finished) finish_release(owned);
}

// The last commit must stand before the next owner reads it.
void StageWriter::finish_release(const OwnedPtr& owned) {
  bool standing = false;
  {
    const std::lock_guard lock(owned->mutex);
    standing = owned->committed == owned->writing.published;
  }
  if (!standing) {
    owned->writing.dirty = true;
    return;
  }
  owned->dropped = true;
  committer_.forget(owned->at);
  plane_.owned.erase(owned);
  on_released_(owned->at.partition);
}

}  // namespace ride::worker
