#include "worker/core/tile_gather.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "common/units.h"
#include "common/wording.h"

namespace ride::worker {

using stream::AcceptedSet;
using stream::AssemblyStep;
using stream::Outcome;
using stream::RecordKind;
using stream::WholeFrame;

namespace {

constexpr std::size_t kNamedTiles = 8;

// "tile 2 of 4", "tiles 1, 3 of 4": counted from 1, as people do.
std::string tiles_text(const FrameTile& shape, const std::vector<int>& indices) {
  std::string text = indices.size() == 1 ? "tile " : "tiles ";
  for (std::size_t i = 0; i < std::min(indices.size(), kNamedTiles); ++i)
    text += fmt::format("{}{}", i == 0 ? "" : ", ", indices[i] + 1);
  return fmt::format("{}{} of {}", text, indices.size() > kNamedTiles ? ", ..." : "", shape.count());
}

// A held message would pin its whole fetch buffer.
void own_payload(stream::Payload& payload) {
  const std::shared_ptr<std::uint8_t[]> copy(new std::uint8_t[std::max<std::size_t>(payload.bytes.size(), 1)]);
  if (!payload.bytes.empty()) std::memcpy(copy.get(), payload.bytes.data(), payload.bytes.size());
  payload = {{copy.get(), payload.bytes.size()}, copy};
}

std::int64_t bytes_of(const AcceptedSet& set) {
  std::int64_t bytes = 0;
  for (const auto& frame : set.frames) bytes += static_cast<std::int64_t>(frame.payload.bytes.size());
  return bytes;
}

// Whether the set holds the tiles that it says.
bool is_whole_group(const AcceptedSet& set, const FrameTile& first) {
  const auto members = first.group_members(first.group);
  if (set.frames.size() != members.size()) return false;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const auto tile = tile_of(set.frames[i].header.attributes);
    if (!tile || !tile->is_beside(first) || tile->index != members[i]) return false;
  }
  return true;
}

// What the set says against the frame; empty: nothing.
std::string fault_of(const AcceptedSet& set, const FrameTile& tile) {
  const auto which = tiles_text(tile, tile.group_members(tile.group));
  if (set.kind == RecordKind::outcome)
    return fmt::format("{}: {}{}{}", which, to_string(set.header.outcome), set.header.reason.empty() ? "" : ": ",
                       set.header.reason);
  return is_whole_group(set, tile) ? "" : which + ": its records hold other tiles than they say";
}

std::vector<int> missing_tiles(const FrameTile& shape, const std::map<int, AcceptedSet>& sets) {
  std::vector<int> missing;
  for (int group = 0; group < shape.groups; ++group) {
    if (sets.contains(group)) continue;
    const auto members = shape.group_members(group);
    missing.insert(missing.end(), members.begin(), members.end());
  }
  std::sort(missing.begin(), missing.end());
  return missing;
}

// The frame's outcome, in the place of `set`. `letter`: nobody else has written down that it died.
void make_incomplete(AcceptedSet& set, const std::string& cause, bool letter) {
  set.kind = RecordKind::outcome;
  set.frames.clear();
  set.header.kind = RecordKind::outcome;
  set.header.outcome = Outcome::dead;
  set.header.reason = "incomplete: " + cause;
  set.header.attributes.erase(kTileAttribute);
  if (letter)
    set.refused = stream::RefusedRecord{encode_header(set.header), {}};
  else
    set.refused.reset();
}

}  // namespace

TileGather::Limits tile_limits(const ParamValues& params) {
  TileGather::Limits limits;
  limits.timeout = std::chrono::milliseconds(get_int(params, "timeout_ms"));
  limits.bytes = get_int(params, "max_held_mb") * 1'000'000;
  return limits;
}

TileGather::TileGather(Limits limits, const std::map<FrameId, stream::LateTiles>& given_up)
    : limits_(limits), given_up_(given_up) {
  for (const auto& [id, late] : given_up) given_up_order_.emplace_back(late.ended_at, id);
  std::sort(given_up_order_.begin(), given_up_order_.end());
}

void TileGather::take(Offset offset, SystemTime timestamp, std::int64_t bytes, AssemblyStep& step) {
  passed_ += bytes;
  forget(offset);
  if (step.accepted && step.accepted->kind == RecordKind::end) return end_all(offset, step);
  if (step.accepted) gather(offset, timestamp, step);
  end_overdue(offset, timestamp, step);
}

void TileGather::gather(Offset offset, SystemTime timestamp, AssemblyStep& step) {
  const auto tile = tile_of(step.accepted->header.attributes);
  if (!tile || tile->groups == 0) return;  // the frame's own outcome, or no tile: it goes on by itself
  const auto id = step.accepted->header.id;
  if (swallow(id, step)) return;
  auto [at, fresh] = open_.try_emplace(id);
  auto& frame = at->second;
  if (fresh) {
    frame.shape = *tile;
    frame.began = offset;
    frame.since = timestamp;
    frame.passed = passed_;
    by_age_.emplace(offset, id);
    by_time_.emplace(timestamp, offset);
  } else if (!tile->is_beside(frame.shape) || frame.sets.contains(tile->group)) {
    return make_incomplete(*step.accepted, "another picture of the same name is being put together", true);
  }
  auto set = std::move(*step.accepted);
  if (const auto fault = fault_of(set, *tile); !fault.empty() && frame.cause.empty()) {
    frame.cause = fault;
    frame.told = set.kind == RecordKind::outcome && set.header.outcome == Outcome::dead;
    let_go(frame);
  }
  if (frame.sets.size() + 1 == static_cast<std::size_t>(tile->groups)) {
    step.accepted = complete(at, std::move(set));
    return;
  }
  hold(frame, tile->group, std::move(set), step);
}

// A tile of a frame that was given up: it leads to nothing.
bool TileGather::swallow(const FrameId& id, AssemblyStep& step) {
  const auto found = given_up_.find(id);
  if (found == given_up_.end()) return false;
  if (--found->second.missing <= 0) given_up_.erase(found);
  step.accepted->late_for = id;
  step.accepted->frames.clear();
  return true;
}

void TileGather::hold(Unfinished& frame, int group, AcceptedSet set, AssemblyStep& step) {
  if (!frame.cause.empty()) set.frames.clear();
  if (set.members.empty())  // else it was put together from chunks, in memory of its own
    for (auto& one : set.frames) own_payload(one.payload);
  held_ += bytes_of(set);
  auto light = set;
  light.frames.clear();
  light.refused.reset();
  step.accepted = std::move(light);
  step.held = true;
  frame.sets.emplace(group, std::move(set));
}

AcceptedSet TileGather::complete(Frames::iterator at, AcceptedSet last) {
  auto& frame = at->second;
  AcceptedSet whole = std::move(last);
  for (auto& [group, set] : frame.sets) {
    whole.joined.push_back(set.released_by);
    held_ -= bytes_of(set);
    for (auto& one : set.frames) whole.frames.push_back(std::move(one));
    set.frames.clear();
  }
  if (frame.cause.empty()) {
    std::sort(whole.frames.begin(), whole.frames.end(), [](const WholeFrame& a, const WholeFrame& b) {
      return tile_of(a.header.attributes)->index < tile_of(b.header.attributes)->index;
    });
    whole.header = whole.frames.front().header;
    whole.header.attributes.erase(kTileAttribute);
  } else {
    make_incomplete(whole, frame.cause, !frame.told);
  }
  erase(at);
  return whole;
}

void TileGather::end_overdue(Offset offset, SystemTime timestamp, AssemblyStep& step) {
  const auto end = [&](const FrameId& id, const std::string& why) {
    step.overdue.push_back(give_up(open_.find(id), offset, why));
  };
  while (!by_age_.empty()) {
    const auto [began, id] = *by_age_.begin();
    const auto& frame = open_.at(id);
    if (offset.value - began.value > limits_.records)
      end(id, fmt::format("did not come within {}", counted(limits_.records, "record")));
    else if (passed_ - frame.passed > limits_.bytes)
      end(id, fmt::format("did not come within {} of the log", format_byte_size({limits_.bytes})));
    else
      break;
  }
  while (!by_time_.empty() && timestamp > by_time_.begin()->first &&
         timestamp - by_time_.begin()->first > limits_.timeout)
    end(by_age_.at(by_time_.begin()->second), "did not come within " + format_duration(limits_.timeout));
  std::sort(step.overdue.begin(), step.overdue.end(),
            [](const AcceptedSet& a, const AcceptedSet& b) { return *a.out_key < *b.out_key; });
}

void TileGather::end_all(Offset offset, AssemblyStep& step) {
  while (!by_age_.empty())
    step.overdue.push_back(give_up(open_.find(by_age_.begin()->second), offset, "did not come before the input ended"));
}

// Its outcome's origin is this record's, below the record's own set: by a number that is the frame's alone, whatever
// else ends here.
AcceptedSet TileGather::give_up(Frames::iterator at, Offset offset, const std::string& why) {
  auto& frame = at->second;
  const auto missing = missing_tiles(frame.shape, frame.sets);
  const auto late = static_cast<std::int64_t>(frame.shape.groups) - static_cast<std::int64_t>(frame.sets.size());
  auto cause = tiles_text(frame.shape, missing) + " " + why;
  if (!frame.cause.empty()) cause = frame.cause + "; " + cause;
  let_go(frame);
  const auto last = std::max_element(frame.sets.begin(), frame.sets.end(), [](const auto& a, const auto& b) {
    return a.second.released_by < b.second.released_by;
  });
  AcceptedSet ended = std::move(last->second);
  frame.sets.erase(last);
  for (const auto& [group, set] : frame.sets) ended.joined.push_back(set.released_by);
  make_incomplete(ended, cause, true);
  ended.out_key = stream::OriginKey{offset.value, frame.began.value - offset.value};
  ended.given_up = stream::GivenUpFrame{at->first, {late, offset}};
  given_up_[at->first] = ended.given_up->late;
  given_up_order_.emplace_back(offset, at->first);
  erase(at);
  return ended;
}

void TileGather::let_go(Unfinished& frame) {
  for (auto& [group, set] : frame.sets) {
    held_ -= bytes_of(set);
    set.frames.clear();
  }
}

void TileGather::erase(Frames::iterator at) {
  by_age_.erase(at->second.began);
  by_time_.erase({at->second.since, at->second.began});
  open_.erase(at);
}

// What is this late opens its frame again: somebody has to stop waiting some time.
void TileGather::forget(Offset offset) {
  while (!given_up_order_.empty() && offset.value - given_up_order_.front().first.value > stream::kLateTilesReach) {
    const auto [ended_at, id] = given_up_order_.front();
    given_up_order_.pop_front();
    const auto found = given_up_.find(id);
    if (found != given_up_.end() && found->second.ended_at == ended_at) given_up_.erase(found);
  }
}

}  // namespace ride::worker
