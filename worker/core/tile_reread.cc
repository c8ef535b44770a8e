#include "worker/core/tile_reread.h"

#include <algorithm>
#include <utility>

#include "worker/core/tile_gather.h"

namespace ride::worker {

using stream::AcceptedSet;
using stream::RecordKind;

namespace {

// Whether these are all tiles of one picture, each once and in order.
bool is_whole(const AcceptedSet& set) {
  const auto first = set.frames.empty() ? std::nullopt : tile_of(set.frames.front().header.attributes);
  if (!first || set.frames.size() != static_cast<std::size_t>(first->count())) return false;
  std::vector<bool> seen(set.frames.size());
  for (const auto& frame : set.frames) {
    const auto tile = tile_of(frame.header.attributes);
    if (!tile || !tile->is_beside(*first) || seen[static_cast<std::size_t>(tile->index)]) return false;
    seen[static_cast<std::size_t>(tile->index)] = true;
  }
  return true;
}

}  // namespace

TileReread::TileReread(AcceptedSet whole, stream::SetAssembler::Config config) : whole_(std::move(whole)) {
  config.checks_sessions = config.checks_offsets = false;  // they were checked when they came
  config.turns.reset();
  for (std::size_t set = 0; set < whole_.reread.size(); ++set) {
    assemblers_.emplace_back(config, stream::CommitMetadata{});
    for (const auto offset : whole_.reread[set]) needed_.push_back({offset, set});
  }
  std::sort(needed_.begin(), needed_.end());
}

void TileReread::add(SystemTime timestamp, const stream::Headers& headers, const stream::Payload& payload) {
  const auto [offset, set] = needed_[at_++];
  auto step = assemblers_[set].add(offset, timestamp, headers, payload);
  const bool last = offset == whole_.reread[set].back();
  if (!last) return;
  if (!step.accepted) return fail("its tiles were not the same when they were read again");
  if (step.accepted->kind != RecordKind::frame)  // there is no memory for them, for example
    return fail("its tiles could not be read again: " + step.accepted->header.reason);
  for (auto& frame : step.accepted->frames) {
    // What came in several records was put together in memory of its own.
    if (step.accepted->members.empty() && !own_payload(frame.payload)) return fail("there is no memory for its tiles");
    whole_.frames.push_back(std::move(frame));
  }
}

void TileReread::fail(const std::string& why) {
  failure_ = why;
  at_ = needed_.size();
}

std::int64_t TileReread::bytes() const {
  std::int64_t bytes = 0;
  for (const auto& frame : whole_.frames) bytes += static_cast<std::int64_t>(frame.payload.bytes.size());
  for (const auto& assembler : assemblers_) bytes += assembler.open().held_bytes();
  return bytes;
}

AcceptedSet TileReread::take() {
  if (failure_.empty() && !is_whole(whole_)) failure_ = "its tiles were not the same when they were read again";
  whole_.reread.clear();
  if (failure_.empty())
    put_tiles_in_order(whole_);
  else
    make_incomplete(whole_, failure_, true);
  return std::move(whole_);
}

}  // namespace ride::worker
