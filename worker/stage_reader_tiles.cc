// What a merge holds of unfinished pictures: its part of the memory for unfinished sets, and the pictures that were let
// go of, read again (decision 0037). The reading itself stands in stage_reader.cc.
#include <algorithm>
#include <utility>

#include "worker/stage_reader.h"

namespace ride::worker {

namespace {

constexpr std::int64_t kSkipped = 8;  // records that are rather read than passed over
constexpr auto kLookAgain = std::chrono::seconds(1);

}  // namespace

std::int64_t StageReader::tile_bytes() const {
  std::int64_t bytes = 0;
  for (const auto& [at, owned] : reading_) {
    const auto& own = owned->reading;
    if (own.gather) bytes += own.gather->held_bytes();
    if (own.rereading) bytes += own.rereading->tiles.bytes();
  }
  return bytes;
}

// Of each partition the youngest go first. Pictures that wait for their last tile share the budget of the process with
// the sets that are being put together, and come after them: they can be read again.
void StageReader::fit_tiles() {
  auto excess = tile_bytes();
  if (excess == 0) return;
  std::int64_t open = 0;
  for (const auto& [at, owned] : reading_) open += owned->reading.assembler.open().held_bytes();
  excess -= std::max<std::int64_t>(0, context_.config.held_bytes - std::max(open, announced_bytes()));
  for (const auto& [at, owned] : reading_) {
    if (excess <= 0) return;
    auto& gather = owned->reading.gather;
    if (!gather) continue;
    const auto held = gather->held_bytes();
    gather->fit(std::max<std::int64_t>(0, held - excess));
    excess -= held - gather->held_bytes();
  }
}

void StageReader::reread(const OwnedPtr& owned, Offset offset, stream::AssemblyStep step, std::int64_t bytes) {
  auto& own = owned->reading;
  TileReread tiles(std::move(*step.accepted), *own.reread_with);
  step.accepted.reset();
  own.rereading = OwnedPartition::Reading::Rereading{std::move(tiles), offset, std::move(step), bytes};
  context_.ports.reader->unassign(owned->at);
}

// What is read again has no budget: it is one picture, of which the stage's memory holds at least one.
void StageReader::begin_rereading() {
  OwnedPartition* next = nullptr;
  for (const auto& [at, owned] : reading_) {
    const auto& rereading = owned->reading.rereading;
    if (!rereading) continue;
    if (rereading->begun) return;
    if (next == nullptr) next = owned.get();
  }
  if (next == nullptr) return;
  auto& rereading = *next->reading.rereading;
  rereading.begun = true;
  if (auto assigned = context_.ports.reader->assign(next->at, rereading.tiles.next()); !assigned.ok())
    context_.fail(assigned.error());
}

void StageReader::reread_one(const OwnedPtr& owned, const stream::Record& record) {
  auto& rereading = *owned->reading.rereading;
  if (owned->dropped || !rereading.begun || record.offset < rereading.tiles.next()) return;
  if (record.offset > rereading.tiles.next()) {
    // Fetched before the partition was assigned anew, or what is needed is not there any more.
    const auto now = context_.config.clock.now();
    if (now < rereading.look_again || !context_.ports.range_of) return;
    rereading.look_again = now + kLookAgain;
    if (const auto range = context_.ports.range_of(owned->at); range.ok()) can_reread(owned, range->first);
    return;
  }
  begin_work(record);
  rereading.tiles.add(record.timestamp, record.headers, {record.value, record.owner});
  fit_tiles();
  end_work();
  if (rereading.tiles.done()) return finish_rereading(owned);
  const auto next = rereading.tiles.next();
  if (next.value - record.offset.value <= kSkipped) return;
  context_.ports.reader->unassign(owned->at);
  if (auto assigned = context_.ports.reader->assign(owned->at, next); !assigned.ok()) context_.fail(assigned.error());
}

// The log begins at `first`. False: what was needed is gone, and the picture has its outcome.
bool StageReader::can_reread(const OwnedPtr& owned, Offset first) {
  auto& tiles = owned->reading.rereading->tiles;
  if (first <= tiles.next()) return true;
  tiles.fail("retention removed tiles that had to be read again: state a larger max_held_mb, or a longer `retention`");
  finish_rereading(owned);
  return false;
}

void StageReader::finish_rereading(const OwnedPtr& owned) {
  auto& own = owned->reading;
  auto done = std::exchange(own.rereading, std::nullopt);
  done->step.accepted = done->tiles.take();
  context_.ports.reader->unassign(owned->at);
  if (auto assigned = context_.ports.reader->assign(owned->at, own.next); !assigned.ok())
    return context_.fail(assigned.error());
  pass_on(owned, done->offset, std::move(done->step), done->bytes);
}

}  // namespace ride::worker
