#include "worker/core/tile_gather.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "common/units.h"
#include "common/wording.h"

namespace ride::worker {

using stream::AcceptedSet;
using stream::AssemblyStep;
using stream::Outcome;
using stream::RecordHeader;
using stream::RecordKind;
using stream::WholeFrame;

namespace {

constexpr std::size_t kNamedTiles = 8;
constexpr std::int64_t kSetCost = 1024, kFrameCost = 512, kRecordCost = 16;  // beside texts and pixels
constexpr std::int64_t kMostKeptTexts = 1024;                                // of a set without its pictures

std::int64_t text_bytes(const RecordHeader& header) {
  std::size_t bytes = header.reason.size();
  for (const auto& [name, value] : header.attributes) bytes += name.size() + value.size();
  for (const auto& [name, value] : header.passed_on) bytes += name.size() + value.size();
  return static_cast<std::int64_t>(bytes);
}

std::int64_t picture_bytes(const AcceptedSet& set) {
  std::int64_t bytes = 0;
  for (const auto& frame : set.frames)
    bytes += kFrameCost + text_bytes(frame.header) + static_cast<std::int64_t>(frame.payload.bytes.size());
  return bytes;
}

// What names the frame is enough for its outcome.
void shorten(RecordHeader& header) {
  header.passed_on.clear();
  if (text_bytes(header) <= kMostKeptTexts) return;
  std::erase_if(header.attributes, [](const auto& one) { return one.first.size() + one.second.size() > 256; });
  if (text_bytes(header) > kMostKeptTexts) header.attributes.clear();
  header.reason.resize(std::min<std::size_t>(header.reason.size(), 512));
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
  if (set.kind == RecordKind::frame && is_whole_group(set, tile)) return {};
  const auto which = tiles_text(tile, tile.group_members(tile.group));
  if (set.kind == RecordKind::frame) return which + ": its records hold other tiles than they say";
  return fmt::format("{}: {}{}{}", which, to_string(set.header.outcome), set.header.reason.empty() ? "" : ": ",
                     set.header.reason);
}

template <class Sets>
std::vector<int> missing_tiles(const FrameTile& shape, const Sets& sets) {
  std::vector<int> missing;
  for (int group = 0; group < shape.groups; ++group) {
    if (sets.contains(group)) continue;
    const auto members = shape.group_members(group);
    missing.insert(missing.end(), members.begin(), members.end());
  }
  std::sort(missing.begin(), missing.end());
  return missing;
}

}  // namespace

bool own_payload(stream::Payload& payload) {
  const std::shared_ptr<std::uint8_t[]> copy(new (std::nothrow)
                                                 std::uint8_t[std::max<std::size_t>(payload.bytes.size(), 1)]);
  if (!copy) return false;
  if (!payload.bytes.empty()) std::memcpy(copy.get(), payload.bytes.data(), payload.bytes.size());
  payload = {{copy.get(), payload.bytes.size()}, copy};
  return true;
}

std::string tiles_text(const FrameTile& shape, const std::vector<int>& indices) {
  std::string text = indices.size() == 1 ? "tile " : "tiles ";
  for (std::size_t i = 0; i < std::min(indices.size(), kNamedTiles); ++i)
    text += fmt::format("{}{}", i == 0 ? "" : ", ", indices[i] + 1);
  return fmt::format("{}{} of {}", text, indices.size() > kNamedTiles ? ", ..." : "", shape.count());
}

void make_incomplete(AcceptedSet& set, const std::string& cause, bool letter) {
  set.kind = RecordKind::outcome;
  set.frames.clear();
  set.reread.clear();
  set.header.kind = RecordKind::outcome;
  set.header.outcome = Outcome::dead;
  set.header.reason = "incomplete: " + cause;
  set.header.attributes.erase(kTileAttribute);
  if (letter)
    set.refused = stream::RefusedRecord{encode_header(set.header), {}};
  else
    set.refused.reset();
}

void put_tiles_in_order(AcceptedSet& whole) {
  std::sort(whole.frames.begin(), whole.frames.end(), [](const WholeFrame& a, const WholeFrame& b) {
    return tile_of(a.header.attributes)->index < tile_of(b.header.attributes)->index;
  });
  whole.header = whole.frames.front().header;
  whole.header.attributes.erase(kTileAttribute);
}

TileGather::Limits tile_limits(const ParamValues& params) {
  TileGather::Limits limits;
  limits.timeout = std::chrono::milliseconds(get_int(params, "timeout_ms"));
  limits.bytes = get_int(params, "max_held_mb") * 1'000'000;
  return limits;
}

TileGather::TileGather(Limits limits, const stream::LateFrames& given_up) : limits_(limits), given_up_(given_up) {}

void TileGather::take(Offset offset, SystemTime timestamp, AssemblyStep& step) {
  forgotten_ += static_cast<std::int64_t>(stream::forget_late_frames(given_up_, offset));
  if (step.accepted && step.accepted->kind == RecordKind::end) return end_all(offset, step);
  if (step.accepted) gather(offset, timestamp, step);
  end_overdue(offset, timestamp, step);
  fit(limits_.bytes);
}

void TileGather::gather(Offset offset, SystemTime timestamp, AssemblyStep& step) {
  const auto tile = tile_of(step.accepted->header.attributes);
  if (!tile || tile->groups == 0) return;  // the frame's own outcome, or no tile: it goes on by itself
  if (swallow(tile->cut, step)) return;
  auto [at, fresh] = open_.try_emplace(tile->cut);
  auto& frame = at->second;
  if (fresh) {
    frame.id = step.accepted->header.id;
    frame.shape = *tile;
    frame.began = offset;
    frame.last = timestamp;
    by_age_.emplace(offset, tile->cut);
    by_time_.emplace(timestamp, offset);
  } else if (step.accepted->header.id != frame.id || !tile->is_beside(frame.shape) ||
             frame.sets.contains(tile->group)) {
    return make_incomplete(*step.accepted, "its tiles say that they are of a picture that has others", true);
  } else if (timestamp > frame.last) {
    by_time_.erase({frame.last, frame.began});
    by_time_.emplace(timestamp, frame.began);
    frame.last = timestamp;
  }
  auto set = std::move(*step.accepted);
  if (auto fault = fault_of(set, *tile); !fault.empty() && frame.cause.empty()) {
    frame.cause = std::move(fault);
    // What was refused here has none yet.
    frame.has_letter = set.kind == RecordKind::outcome && set.header.outcome == Outcome::dead && !set.refused;
    let_go(frame);
  }
  if (frame.sets.size() + 1 == static_cast<std::size_t>(tile->groups)) {
    step.accepted = complete(at, std::move(set));
    return;
  }
  hold(frame, tile->group, std::move(set), step);
}

// A tile of a frame that was given up: it leads to nothing.
bool TileGather::swallow(const TileCut& cut, AssemblyStep& step) {
  const auto found = given_up_.find(cut);
  if (found == given_up_.end()) return false;
  if (--found->second.missing <= 0) given_up_.erase(found);
  step.accepted->late_for = cut;
  step.accepted->frames.clear();
  return true;
}

void TileGather::hold(Unfinished& frame, int group, AcceptedSet set, AssemblyStep& step) {
  Held held;
  if (frame.cause.empty()) {
    // What came in several records was put together in memory of its own.
    if (set.members.empty())
      for (auto& one : set.frames) held.let_go = held.let_go || !own_payload(one.payload);
  } else {
    set.frames.clear();
  }
  if (held.let_go) set.frames.clear();
  set.refused.reset();
  shorten(set.header);
  held.pictures = picture_bytes(set);
  held.rest = kSetCost + text_bytes(set.header) + kRecordCost * static_cast<std::int64_t>(set.members.size());
  held_ += held.pictures + held.rest;
  if (held.pictures > 0) with_pictures_.insert(frame.began);
  auto frames = std::exchange(set.frames, {});
  step.accepted = set;
  step.held = true;
  held.set = std::move(set);
  held.set.frames = std::move(frames);
  frame.sets.emplace(group, std::move(held));
}

AcceptedSet TileGather::complete(Frames::iterator at, AcceptedSet last) {
  auto& frame = at->second;
  AcceptedSet whole = std::move(last);
  for (auto& [group, held] : frame.sets) {
    auto& set = held.set;
    whole.joined.push_back(set.released_by);
    for (auto& one : set.frames) whole.frames.push_back(std::move(one));
    set.frames.clear();
    if (held.let_go) whole.reread.push_back(set.members.empty() ? std::vector{set.released_by} : set.members);
  }
  if (!frame.cause.empty())
    make_incomplete(whole, frame.cause, !frame.has_letter);
  else if (whole.reread.empty())
    put_tiles_in_order(whole);
  erase(at);
  return whole;
}

void TileGather::end_overdue(Offset offset, SystemTime timestamp, AssemblyStep& step) {
  while (!by_age_.empty() && offset.value - by_age_.begin()->first.value > limits_.records)
    step.overdue.push_back(give_up(open_.find(by_age_.begin()->second), offset,
                                   fmt::format("did not come within {}", counted(limits_.records, "record"))));
  while (!by_time_.empty() && timestamp > by_time_.begin()->first &&
         timestamp - by_time_.begin()->first > limits_.timeout)
    step.overdue.push_back(give_up(open_.find(by_age_.at(by_time_.begin()->second)), offset,
                                   "did not come within " + format_duration(limits_.timeout)));
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
  const auto last = std::max_element(frame.sets.begin(), frame.sets.end(), [](const auto& a, const auto& b) {
    return a.second.set.released_by < b.second.set.released_by;
  });
  AcceptedSet ended = last->second.set;
  for (const auto& [group, held] : frame.sets)
    if (held.set.released_by != ended.released_by) ended.joined.push_back(held.set.released_by);
  make_incomplete(ended, cause, true);
  ended.out_key = stream::OriginKey{offset.value, frame.began.value - offset.value};
  ended.given_up = stream::GivenUpFrame{at->first, {late, offset}};
  given_up_[at->first] = ended.given_up->late;
  erase(at);
  return ended;
}

void TileGather::fit(std::int64_t bytes) {
  while (held_ > bytes && !with_pictures_.empty()) {
    const auto youngest = std::prev(with_pictures_.end());
    let_go(open_.at(by_age_.at(*youngest)));
  }
}

void TileGather::let_go(Unfinished& frame) {
  for (auto& [group, held] : frame.sets) {
    held_ -= std::exchange(held.pictures, 0);
    held.let_go = held.let_go || !held.set.frames.empty();
    held.set.frames.clear();
  }
  with_pictures_.erase(frame.began);
}

void TileGather::erase(Frames::iterator at) {
  for (const auto& [group, held] : at->second.sets) held_ -= held.pictures + held.rest;
  by_age_.erase(at->second.began);
  by_time_.erase({at->second.last, at->second.began});
  with_pictures_.erase(at->second.began);
  open_.erase(at);
}

}  // namespace ride::worker
