#include "worker/stage_writer.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/guarded_thread.h"
#include "common/units.h"

namespace ride::worker {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr auto kReportWaitingEvery = std::chrono::seconds(30);
constexpr auto kPublishEvery = milliseconds(50);  // a takeover repeats at most this much that was done

}  // namespace

StageWriter::StageWriter(StageContext& context, OnReleased on_released, const MakeCommitSink& commits)
    : context_(context),
      on_released_(std::move(on_released)),
      sets_(*context.ports.writer),
      committer_(commits(
          [this](const stream::TopicPartition& at, const stream::Commit& commit) { was_committed(at, commit); })) {}

void StageWriter::start() {
  thread_ = guarded_thread(
      "the writer", [this] { loop(); }, [this](Error error) { context_.fail(std::move(error)); });
}

void StageWriter::join() {
  if (thread_.joinable()) thread_.join();
}

void StageWriter::was_committed(const stream::TopicPartition& at, const stream::Commit& commit) {
  const auto owned = context_.owned.find(at.partition);
  if (!owned) return;
  auto metadata = stream::unpack_commit_metadata(commit.metadata);
  const std::lock_guard lock(owned->mutex);
  owned->progress.committed = commit.offset.value;
  owned->committed = commit;
  if (metadata.ok()) owned->progress.ended = metadata->forwarded_end;
}

void StageWriter::loop() {
  while (!context_.stopping && turn(true)) {
  }
}

bool StageWriter::turn(bool waits) {
  handle_events(waits);
  if (auto pumped = sets_.pump(milliseconds(waits && !sets_.idle() ? 1 : 0)); !pumped.ok()) {
    context_.fail(pumped.error());
    return false;
  }
  publish_all();
  return true;
}

bool StageWriter::has_unpublished() const {
  return std::any_of(writing_.begin(), writing_.end(), [](const auto& one) {
    return one.second->writing.dirty || one.second->writing.flow.handed_out();
  });
}

void StageWriter::handle_events(bool waits) {
  const auto limit = context_.config.write_queue_bytes;
  auto event =
      sets_.bytes() > limit ? std::nullopt : context_.to_write.pop(milliseconds(waits && sets_.idle() ? 10 : 0));
  while (event) {
    std::visit([this](auto& one) { write(std::move(one)); }, *event);
    if (sets_.bytes() > limit) return;
    event = context_.to_write.pop(milliseconds(0));
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

void StageWriter::write(const RecordRead& event) {
  if (event.owned->dropped) return;
  writing_[event.owned->at.partition] = event.owned;
  event.owned->writing.flow.read(event.offset, event.step);
  event.owned->writing.dirty = true;
}

void StageWriter::write(const RecordsExpired& event) {
  if (event.owned->dropped) return;
  writing_[event.owned->at.partition] = event.owned;
  event.owned->writing.flow.expire(event.first, event.settled);
  event.owned->writing.dirty = true;
}

void StageWriter::write(WarmedUp event) {
  if (event.owned->dropped) return;
  auto& flow = event.owned->writing.flow;
  event.first ? flow.warmed_up_with(event.source, *event.first) : flow.mark_warm();
}

void StageWriter::write(WasProcessed event) {
  if (event.owned->dropped) return;
  send(event.owned, event.owned->writing.flow.processed(std::move(event.result)));
  event.owned->writing.dirty = true;
}

void StageWriter::write(const ReleaseRequested& event) {
  if (event.owned->dropped) return;
  writing_[event.owned->at.partition] = event.owned;
  event.owned->writing.flow.give_up();
  event.owned->writing.dirty = true;
}

void StageWriter::send(const OwnedPtr& owned, std::vector<PartitionFlow::Sending>&& sendings) {
  for (auto& [set, batch] : sendings)
    sets_.add(set.to, std::move(set.records), [this, owned, batch = batch](const Result<void>& result) {
      result.ok() ? was_delivered(owned, batch) : context_.fail(result.error());
    });
}

void StageWriter::was_delivered(const OwnedPtr& owned, std::int64_t batch) {
  if (owned->dropped) return;
  auto& own = owned->writing;
  const bool had_ended = own.flow.ended();
  send(owned, own.flow.delivered(batch));
  own.dirty = true;
  if (own.flow.ended() && !had_ended) publish(owned, true);
}

void StageWriter::show_progress(OwnedPartition& owned) const {
  const auto& own = owned.writing;
  const std::lock_guard lock(owned.mutex);
  owned.progress.position = own.flow.window().position().value;
  owned.progress.counters = own.flow.window().counters();
  owned.progress.oldest_unacked_age_ms = -1;
  const auto& captured = own.flow.unacked();
  if (captured.empty()) return;
  const auto oldest = std::min_element(captured.begin(), captured.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
  owned.progress.oldest_unacked_age_ms =
      std::chrono::duration<double, std::milli>(context_.config.clock.wall() - oldest->second).count();
}

void StageWriter::publish(const OwnedPtr& owned, bool now) {
  auto& own = owned->writing;
  const auto time = context_.config.clock.now();
  if (now || time - own.shown_at >= kPublishEvery) {  // a merge may hold very many sets that are looked at
    own.shown_at = time;
    show_progress(*owned);
  }
  const bool finished = own.flow.handed_out();
  if (!own.dirty && !finished) return;
  if (!now && !finished && time - own.published_at < kPublishEvery) return;
  own.dirty = false;
  own.published_at = time;
  auto commit = own.flow.commit();
  const auto& config = context_.config;
  // Only what a merge remembers of late tiles grows without an upper bound that was checked at submit.
  const bool waits =
      context_.task().declaration.tiles == TileRole::joins && own.flow.is_too_large(commit, config.stage.upstreams);
  if (waits) report_waiting(*owned, commit);
  if (!waits && own.published != commit) {
    own.published = commit;
    committer_->put(owned->at, commit);
  }
  if (finished) finish_release(owned);
}

// Once in a while: it goes on by itself when the oldest unfinished picture ends.
void StageWriter::report_waiting(OwnedPartition& owned, const stream::Commit& commit) const {
  const auto now = context_.config.clock.now();
  if (now < owned.writing.report_waiting_at) return;
  owned.writing.report_waiting_at = now + kReportWaitingEvery;
  context_.notify(
      stream::Severity::warning, "commit_waits",
      fmt::format("stage {}: {} of pictures that are put together behind an unfinished one at offset {} of {} do not "
                  "fit into a commit, so an earlier one stands until that picture ends: a takeover would repeat what "
                  "lies behind it. Look why its tiles do not come; a smaller timeout_ms gives it up earlier",
                  context_.config.stage.name, format_byte_size({static_cast<std::int64_t>(commit.metadata.size())}),
                  commit.offset.value, to_string(owned.at)),
      false);
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
  committer_->forget(owned->at);
  context_.owned.erase(owned);
  on_released_(owned->at.partition);
}

}  // namespace ride::worker
