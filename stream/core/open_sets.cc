#include "stream/core/open_sets.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

#include "common/frame_tile.h"
#include "common/wording.h"

namespace ride::stream {

namespace {

// What is kept of a set and of each of its records beside their bytes.
constexpr std::int64_t kSetCost = 1024, kRecordCost = 16, kItemCost = 512;
constexpr std::size_t kLongestTileText = 100;
// Memory is taken for so many times what has come: a large picture's buffer then grows twice or so, and a header that
// announces far more than ever comes gets nothing for it.
constexpr std::int64_t kTrust = 16, kFirstCapacity = 64 << 10;

std::int64_t bytes_of(const RecordHeader& header) {
  std::size_t bytes = header.job.size() + header.writer_stage.size() + header.writer.size() + header.reason.size() +
                      header.content_type.size() + header.traceparent.size() + header.id.source.size() +
                      header.origin.upstream.name.size();
  for (const auto& [name, value] : header.attributes) bytes += name.size() + value.size() + 96;
  for (const auto& [name, value] : header.passed_on) bytes += name.size() + value.size() + 64;
  return static_cast<std::int64_t>(bytes);
}

}  // namespace

OpenSets::Added OpenSets::add(Offset offset, std::uint64_t turn, RecordHeader header, const Payload& payload) {
  auto [at, fresh] = sets_.try_emplace(Key{header.origin.upstream, header.origin.key, header.writer});
  auto& set = at->second;
  if (fresh) {
    set.turn = turn;
    set.parts = header.parts;
    by_turn_[turn] = at;
    charge(set, kSetCost + 2 * bytes_of(header));
  }
  if (header.part < set.next) return {.repeated = true, .complete = {}};
  const int missing = header.part - set.next;
  set.next = header.part + 1;
  set.offsets.push_back(offset);
  charge(set, kRecordCost);
  if (!set.header) set.header = header;
  if (header.parts != set.parts)
    refuse(set, {ErrorCode::corrupt, "the records of a set contradict each other about how many they are"});
  else if (missing > 0)
    refuse(set, {ErrorCode::corrupt, counted(missing, "record of its set is missing, or was given up before",
                                             "records of its set are missing, or were given up before")});
  if (!set.problem) keep(set, std::move(header), payload);
  if (set.next < set.parts) return {};
  Added added{.repeated = false, .complete = complete(set)};
  erase(at);
  return added;
}

void OpenSets::keep(Set& set, RecordHeader header, const Payload& payload) {
  const auto chunk = header.chunk;
  const auto size = static_cast<std::int64_t>(payload.bytes.size());
  const auto total = chunk ? chunk->total : size;
  if (set.items.empty()) ++holding_;
  auto [entry, fresh] = set.items.try_emplace(header.item);
  auto& item = entry->second;
  if (fresh) {
    if (total > limits_.set_bytes - set.announced)  // never the sum: these numbers are not trusted
      return refuse(
          set, {ErrorCode::resource_exhausted,
                fmt::format("a set of {} and {} more is larger than the limit of {}", format_byte_size({set.announced}),
                            format_byte_size({total}), format_byte_size({limits_.set_bytes}))});
    const auto header_size = bytes_of(header);
    set.header_bytes += header_size;
    if (set.header_bytes > limits_.header_bytes)
      return refuse(set, {ErrorCode::resource_exhausted, fmt::format("its headers are larger than the limit of {}",
                                                                     format_byte_size({limits_.header_bytes}))});
    charge(set, kItemCost + header_size);
    set.announced += total;
    announced_ += total;
    item.total = total;
    item.header = std::move(header);
  }
  // In order, since their writer writes them so: what comes fills the buffer from its beginning without a hole.
  if (total != item.total || (chunk ? chunk->begin : 0) != item.filled || size > item.total - item.filled)
    return refuse(set, {ErrorCode::corrupt, "the chunks of a frame contradict each other"});
  copy(set, item, payload);
}

void OpenSets::copy(Set& set, Item& item, const Payload& payload) {
  const auto size = static_cast<std::int64_t>(payload.bytes.size());
  const auto needed = item.filled + size;
  if (!item.bytes || needed > item.capacity) {
    const auto capacity = std::min(item.total, std::max(kFirstCapacity, kTrust * needed));
    // Copied out of the messages, since a held message pins its whole fetch buffer.
    std::shared_ptr<std::uint8_t[]> larger;
    try {
      larger.reset(new std::uint8_t[static_cast<std::size_t>(std::max<std::int64_t>(capacity, 1))]);
    } catch (const std::bad_alloc&) {
      return refuse(set, {ErrorCode::resource_exhausted, fmt::format("there is not enough memory for a picture of {}",
                                                                     format_byte_size({item.total}))});
    }
    if (item.filled > 0) std::memcpy(larger.get(), item.bytes.get(), static_cast<std::size_t>(item.filled));
    item.bytes = std::move(larger);
    item.capacity = capacity;
  }
  if (size > 0) std::memcpy(item.bytes.get() + item.filled, payload.bytes.data(), payload.bytes.size());
  item.filled = needed;
  charge(set, size);
}

void OpenSets::refuse(Set& set, Error why) {
  if (!set.problem) set.problem = std::move(why);
  let_go(set);
  if (set.header) {                                                    // what names the frame is enough for its outcome
    std::erase_if(set.header->attributes, [](const auto& attribute) {  // and of a tile, which one it is
      return attribute.first != kTileAttribute || attribute.second.size() > kLongestTileText;
    });
    set.header->passed_on.clear();
    set.header->reason.clear();
  }
  const auto kept = kSetCost + static_cast<std::int64_t>(set.offsets.size()) * kRecordCost +
                    (set.header ? 2 * bytes_of(*set.header) : 0);
  held_ += kept - set.held;
  set.held = kept;
}

void OpenSets::let_go(Set& set) {
  if (!set.items.empty()) --holding_;
  set.items.clear();
  announced_ -= set.announced;
  set.announced = 0;
}

void OpenSets::charge(Set& set, std::int64_t bytes) {
  set.held += bytes;
  held_ += bytes;
}

OpenSets::Complete OpenSets::complete(Set& set) const {
  Complete out{.members = set.offsets, .frames = {}, .header = std::move(*set.header), .problem = set.problem};
  for (auto& [number, item] : set.items) {
    if (!out.problem && item.filled != item.total)
      out.problem = Error{ErrorCode::corrupt, "a frame's chunks leave a gap"};
    if (out.problem) break;
    item.header.chunk.reset();
    out.frames.push_back(
        {std::move(item.header), {{item.bytes.get(), static_cast<std::size_t>(item.total)}, item.bytes}});
  }
  if (out.problem)
    out.frames.clear();
  else
    out.header = out.frames.front().header;
  return out;
}

OpenSets::Sets::iterator OpenSets::erase(Sets::iterator at) {
  let_go(at->second);
  held_ -= at->second.held;
  by_turn_.erase(at->second.turn);
  return sets_.erase(at);
}

template <class Choose>
std::vector<Offset> OpenSets::close(const Upstream& upstream, Choose choose) {
  std::vector<Offset> offsets;
  constexpr OriginKey kLowest{std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::min()};
  auto at = sets_.lower_bound(Key{upstream, kLowest, {}});
  while (at != sets_.end() && at->first.upstream == upstream && choose(at->first.key)) {
    offsets.insert(offsets.end(), at->second.offsets.begin(), at->second.offsets.end());
    at = erase(at);
  }
  return offsets;
}

std::vector<Offset> OpenSets::close_up_to(const Upstream& upstream, OriginKey key) {
  if (sets_.empty()) return {};  // asked for every frame
  return close(upstream, [key](OriginKey one) { return one <= key; });
}

std::vector<Offset> OpenSets::close_line(const Upstream& upstream) {
  return close(upstream, [](OriginKey) { return true; });
}

std::vector<Offset> OpenSets::close_all() {
  std::vector<Offset> offsets;
  for (const auto& [key, set] : sets_) offsets.insert(offsets.end(), set.offsets.begin(), set.offsets.end());
  sets_.clear();
  by_turn_.clear();
  held_ = announced_ = 0;
  holding_ = 0;
  return offsets;
}

// The oldest one decides: it is what keeps the commit where it is.
std::vector<Offset> OpenSets::give_up(Offset next) {
  std::vector<Offset> offsets;
  while (!by_turn_.empty()) {
    const auto oldest = by_turn_.begin()->second;
    const auto& set = oldest->second;
    const bool stale = next.value - set.offsets.back().value > limits_.idle_reach ||
                       next.value - set.offsets.front().value > limits_.reach;
    if (!stale && sets_.size() <= limits_.sets) break;
    offsets.insert(offsets.end(), set.offsets.begin(), set.offsets.end());
    erase(oldest);
  }
  return offsets;
}

void OpenSets::refuse_oldest(std::int64_t limit) {
  for (const auto& [turn, at] : by_turn_) {
    if (at->second.items.empty()) continue;
    return refuse(at->second, {ErrorCode::resource_exhausted,
                               fmt::format("it was not complete when unfinished sets filled the {} that this process "
                                           "has for them",
                                           format_byte_size({limit}))});
  }
}

std::optional<std::uint64_t> OpenSets::oldest_turn() const {
  for (const auto& [turn, at] : by_turn_)
    if (!at->second.items.empty()) return turn;
  return std::nullopt;
}

}  // namespace ride::stream
