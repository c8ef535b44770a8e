#include "stream/core/intake.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cstring>

#include "stream/core/dead_letter.h"

namespace ride::stream {

// A set of several records that is not complete yet. Its bytes are copied out of the messages, since a held message pins
// its whole fetch buffer.
struct Intake::OpenSet {
  struct Item {
    RecordHeader header;
    std::shared_ptr<std::uint8_t[]> bytes;
    std::int64_t size = 0, filled = 0;
  };
  std::map<int, Item> items;
  std::set<int> parts_seen;
  std::vector<Offset> offsets;
  std::int64_t bytes = 0;
  std::optional<Error> problem;
};

namespace {

// What keeps an item's buffer alive.
std::shared_ptr<std::uint8_t[]> allocate(std::int64_t size) {
  return std::shared_ptr<std::uint8_t[]>(new std::uint8_t[static_cast<std::size_t>(std::max<std::int64_t>(size, 1))]);
}

}  // namespace

Intake::Intake(Config config, const CommitMetadata& start)
    : config_(std::move(config)), watermarks_(start.watermarks), finished_(start.finished), ended_(start.ended) {}

bool Intake::all_ended() const {
  if (config_.upstreams.empty()) return false;  // adopted topics have no end that we know of
  for (const auto& upstream : config_.upstreams)
    for (int p = 0; p < upstream.partitions; ++p)
      if (!ended_.contains(Upstream{upstream.name, PartitionId{p}})) return false;
  return true;
}

// Whoever else writes here: no watermark would ever pass it, and each name would be one more in every commit.
bool Intake::is_upstream(const Upstream& upstream) const {
  if (config_.upstreams.empty() || upstream == Upstream{kReplayUpstream, PartitionId{0}}) return true;
  return std::any_of(config_.upstreams.begin(), config_.upstreams.end(), [&](const UpstreamSpec& known) {
    return known.name == upstream.name && upstream.partition.value >= 0 && upstream.partition.value < known.partitions;
  });
}

bool Intake::is_taken(const Upstream& upstream, OriginKey key) const {
  if (!watermarks_.is_above(upstream, key)) return true;
  const auto found = finished_.find(upstream);
  return found != finished_.end() && found->second.contains(key);
}

IntakeStep Intake::take(Offset offset, SystemTime timestamp, const Headers& headers, Payload payload) {
  if (config_.adopt) return take_foreign(offset, timestamp, headers, std::move(payload));
  auto header = decode_header(headers);
  if (!header.ok()) return refuse(offset, timestamp, header.error(), headers, std::move(payload));
  if (!is_upstream(header->origin.upstream)) {
    Error stranger{ErrorCode::corrupt,
                   fmt::format("its origin {} is none of this stage's inputs", to_string(header->origin))};
    return refuse(offset, timestamp, std::move(stranger), headers, std::move(payload));
  }
  if (config_.drop_duplicates && is_taken(header->origin.upstream, header->origin.key)) {
    IntakeStep step;
    step.duplicate = true;
    step.settled.push_back(offset);
    return step;
  }
  if (header->kind == RecordKind::end) return take_end(offset, *header);
  return take_part(offset, std::move(header).value(), std::move(payload));
}

// A foreign record is known by its place in the log alone: topic, partition, offset.
IntakeStep Intake::take_foreign(Offset offset, SystemTime timestamp, const Headers& headers, Payload payload) {
  AcceptedSet set;
  set.released_by = set.first = offset;
  set.upstream = {config_.at.topic, config_.at.partition};
  set.key = {offset.value, 0};
  RecordHeader header;
  header.id = {config_.at.topic, SessionId{config_.at.partition.value}, offset.value};
  header.captured_at = timestamp;
  header.job = config_.job;
  header.origin = {set.upstream, set.key, RunNumber{}};
  if (auto known = decode_header(headers); known.ok()) {
    // The output of another RIDE job: its identity and attributes are kept.
    header = std::move(known).value();
    if (header.kind != RecordKind::frame || header.parts > 1) {
      return refuse(offset, timestamp,
                    Error{ErrorCode::unsupported, "an adopted topic must hold whole frames, one a record"}, headers,
                    std::move(payload));
    }
  } else if (known.error().code != ErrorCode::not_found) {
    return refuse(offset, timestamp, known.error(), headers, std::move(payload));
  } else {
    header.passed_on = headers;
  }
  set.header = header;
  set.frames.push_back({std::move(header), std::move(payload)});
  IntakeStep step;
  step.accepted = std::move(set);
  return step;
}

IntakeStep Intake::end_at(Offset offset, SystemTime now) const {
  AcceptedSet set;
  set.kind = RecordKind::end;
  set.released_by = set.first = offset;
  set.upstream = {config_.at.topic, config_.at.partition};
  set.key = {offset.value, 0};
  set.header.kind = RecordKind::end;
  set.header.id = {config_.at.topic, SessionId{config_.at.partition.value}, offset.value};
  set.header.captured_at = now;
  set.header.job = config_.job;
  IntakeStep step;
  step.accepted = std::move(set);
  step.all_ended = step.without_record = true;
  return step;
}

IntakeStep Intake::refuse(Offset offset, SystemTime timestamp, Error why, const Headers& headers, Payload payload) {
  IntakeStep step;
  AcceptedSet set;
  set.kind = RecordKind::outcome;
  set.released_by = set.first = offset;
  // No origin to trust: the place in the log stands for it. The name cannot be a source's or stage's ('/' is not allowed).
  set.upstream = {"/" + config_.at.topic, config_.at.partition};
  set.key = {offset.value, 0};
  set.header.kind = RecordKind::outcome;
  set.header.outcome = Outcome::dead;
  set.header.reason = "not_a_frame: " + why.message;
  set.header.id = {config_.at.topic, SessionId{config_.at.partition.value}, offset.value};
  set.header.captured_at = timestamp;
  set.refused = RefusedRecord{headers, std::move(payload)};
  step.accepted = std::move(set);
  step.problem = std::move(why);
  return step;
}

IntakeStep Intake::take_end(Offset offset, const RecordHeader& header) {
  IntakeStep step;
  const auto& [upstream, key, run] = header.origin;
  watermarks_.raise(upstream, key);
  ended_.insert(upstream);
  close_sets_of(upstream, key, step);
  step.ended = upstream;
  step.ended_key = key;
  if (all_ended()) {
    step.all_ended = true;
    AcceptedSet set;
    set.kind = RecordKind::end;
    set.released_by = set.first = offset;
    set.upstream = upstream;
    set.key = key;
    set.header = header;
    step.accepted = std::move(set);
  }
  return step;
}

IntakeStep Intake::take_part(Offset offset, RecordHeader header, Payload payload) {
  IntakeStep step;
  const auto upstream = header.origin.upstream;
  const auto key = header.origin.key;
  if (header.parts == 1 && !header.chunk) {
    AcceptedSet set;
    set.kind = header.kind;
    set.released_by = set.first = offset;
    set.upstream = upstream;
    set.key = key;
    set.header = header;
    if (header.kind == RecordKind::frame) set.frames.push_back({std::move(header), std::move(payload)});
    watermarks_.raise(upstream, key);
    close_sets_of(upstream, key, step);
    step.accepted = std::move(set);
    return step;
  }

  const OpenKey open_key{upstream, key, header.writer};
  auto& slot = open_[open_key];
  if (!slot) slot = std::make_shared<OpenSet>();
  auto open = slot;
  if (!open->parts_seen.insert(header.part).second) {  // a writer never repeats itself; a damaged log might
    step.settled.push_back(offset);
    return step;
  }
  open->offsets.push_back(offset);
  const auto total = header.chunk ? header.chunk->total : static_cast<std::int64_t>(payload.bytes.size());
  auto [entry, fresh] = open->items.try_emplace(header.item);
  auto& item = entry->second;
  if (fresh && !open->problem) {
    if (open->bytes + total > config_.max_set_bytes) {
      open->problem = Error{ErrorCode::resource_exhausted,
                            fmt::format("a set of {} or more is larger than the limit of {}",
                                        format_byte_size({open->bytes + total}), format_byte_size({config_.max_set_bytes}))};
    } else {
      item.size = total;
      item.bytes = allocate(total);
      open->bytes += total;
      held_bytes_ += total;
    }
  }
  // The first chunk's header speaks for the frame; later ones repeat it without the free headers.
  if (fresh || (header.chunk && header.chunk->index == 0)) item.header = header;
  const auto begin = header.chunk ? header.chunk->begin : 0;
  if (!open->problem) {
    const auto size = static_cast<std::int64_t>(payload.bytes.size());
    if (total != item.size || begin + size > item.size) {
      open->problem = Error{ErrorCode::corrupt, "the chunks of a frame contradict each other"};
    } else {
      std::memcpy(item.bytes.get() + begin, payload.bytes.data(), payload.bytes.size());
      item.filled += size;
    }
  }
  if (static_cast<int>(open->parts_seen.size()) < header.parts) return step;  // held

  AcceptedSet set;
  set.kind = RecordKind::frame;
  set.released_by = offset;
  set.first = open->offsets.front();
  set.members = open->offsets;
  set.upstream = upstream;
  set.key = key;
  for (auto& [number, one] : open->items) {
    if (!open->problem && one.filled != one.size)
      open->problem = Error{ErrorCode::corrupt, "a frame's chunks leave a hole"};
    if (open->problem) break;
    one.header.chunk.reset();
    set.frames.push_back({one.header, {{one.bytes.get(), static_cast<std::size_t>(one.size)}, one.bytes}});
  }
  set.header = open->items.begin()->second.header;
  if (open->problem) {
    set.kind = RecordKind::outcome;
    set.frames.clear();
    set.header.kind = RecordKind::outcome;
    set.header.outcome = Outcome::dead;
    set.header.reason = "not_a_frame: " + open->problem->message;
    set.refused = RefusedRecord{encode_header(set.header), {}};  // its chunks are not kept
    step.problem = open->problem;
  }
  watermarks_.raise(upstream, key);
  // The set's own earlier records are settled together with it, by the ACK window.
  held_bytes_ -= open->bytes;
  open_.erase(open_key);
  close_sets_of(upstream, key, step);
  step.accepted = std::move(set);
  return step;
}

std::vector<Offset> Intake::give_up_open_sets() {
  std::vector<Offset> settled;
  for (const auto& [key, open] : open_) settled.insert(settled.end(), open->offsets.begin(), open->offsets.end());
  open_.clear();
  held_bytes_ = 0;
  return settled;
}

// Other writers' unfinished sets of what is now taken, or of elders (which can never be taken any more), are abandoned.
void Intake::close_sets_of(const Upstream& upstream, OriginKey key, IntakeStep& step) {
  if (!config_.drop_duplicates) return;
  for (auto it = open_.begin(); it != open_.end();) {
    if (it->first.upstream == upstream && it->first.key <= key) {
      held_bytes_ -= it->second->bytes;
      step.settled.insert(step.settled.end(), it->second->offsets.begin(), it->second->offsets.end());
      it = open_.erase(it);
    } else {
      ++it;
    }
  }
}

}  // namespace ride::stream
