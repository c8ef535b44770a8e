#include "stream/core/set_assembler.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "stream/core/dead_letter.h"

namespace ride::stream {

namespace {

// An origin this far above the last one is compared with where its topic ends: the parts of one large picture are
// fewer.
constexpr std::int64_t kPlausibleJump = 1000;

const Upstream kReplay{kReplayUpstream, PartitionId{0}};

// Below 0 stand outcomes of frames that a merge gives up: by the offset of their first tile (decision 0037).
bool is_written_by_stages(OriginKey key, RecordKind kind) {
  if (key.major < 0) return false;
  switch (kind) {
    case RecordKind::frame:
      return key.minor == 0;
    case RecordKind::outcome:
      return key.minor <= 0 && key.major + key.minor >= 0;
    case RecordKind::end:
      return key.minor == 1;
  }
  return false;
}

}  // namespace

SetAssembler::SetAssembler(Config config, const CommitMetadata& start)
    : config_(std::move(config)),
      watermarks_(start.watermarks),
      finished_(start.finished),
      ended_(start.ended),
      open_(config_.open),
      recent_(start.watermarks) {}

bool SetAssembler::all_ended() const {
  if (config_.upstreams.empty()) return false;  // adopted topics have no end that we know of
  for (const auto& upstream : config_.upstreams)
    for (int p = 0; p < upstream.partitions; ++p)
      if (!ended_.contains(Upstream{upstream.name, PartitionId{p}})) return false;
  return true;
}

// Whoever else writes here: no watermark would ever pass it, and each name would be one more in every commit.
bool SetAssembler::is_upstream(const Upstream& upstream) const {
  return config_.upstreams.empty() || upstream == kReplay || spec_of(upstream) != nullptr;
}

const UpstreamSpec* SetAssembler::spec_of(const Upstream& upstream) const {
  const auto found = std::find_if(config_.upstreams.begin(), config_.upstreams.end(), [&](const UpstreamSpec& known) {
    return known.name == upstream.name && upstream.partition.value >= 0 && upstream.partition.value < known.partitions;
  });
  return found == config_.upstreams.end() ? nullptr : &*found;
}

bool SetAssembler::is_taken(const Upstream& upstream, OriginKey key) const {
  if (!watermarks_.is_above(upstream, key)) return true;
  const auto found = finished_.find(upstream);
  return found != finished_.end() && found->second.contains(key);
}

AssemblyStep SetAssembler::add(Offset offset, SystemTime timestamp, const Headers& headers, Payload payload) {
  if (config_.adopt) return add_foreign(offset, timestamp, headers, std::move(payload));
  auto header = decode_header(headers);
  if (!header.ok()) return refuse(offset, timestamp, header.error(), headers, std::move(payload));
  if (!is_upstream(header->origin.upstream)) {
    Error stranger{ErrorCode::corrupt,
                   fmt::format("its origin {} is not one of this stage's inputs", to_string(header->origin))};
    return refuse(offset, timestamp, std::move(stranger), headers, std::move(payload));
  }
  if (auto lie = disagreement(*header)) return refuse(offset, timestamp, std::move(*lie), headers, std::move(payload));
  const auto& [upstream, key, run] = header->origin;
  if (config_.drop_duplicates && is_taken(upstream, key) && !is_missed_end(*header))
    return drop_repeated(offset, *header);
  if (auto doubted = doubt(*header)) {
    const auto settled = settled_before_.find(upstream);
    if (settled == settled_before_.end() || offset >= settled->second) {
      AssemblyStep step;
      step.doubt = std::move(doubted);
      return step;
    }
    Error forged{ErrorCode::corrupt,
                 fmt::format("its origin {} is impossible: {}", to_string(header->origin),
                             doubted->is_session ? "no such session of this source was ever given out"
                                                 : "the topic of that stage does not reach that far")};
    return refuse(offset, timestamp, std::move(forged), headers, std::move(payload));
  }
  if (header->kind == RecordKind::end) return add_end(offset, *header);
  return add_part(offset, std::move(header).value(), std::move(payload));
}

// Written again after a failure; or by a producer that was replaced meanwhile; or hidden by a record with a higher
// origin, which then was not written by this upstream.
AssemblyStep SetAssembler::drop_repeated(Offset offset, const RecordHeader& header) const {
  AssemblyStep step;
  step.duplicate = true;
  step.settled.push_back(offset);
  const auto& [upstream, key, run] = header.origin;
  const auto finished = finished_.find(upstream);
  if (finished != finished_.end() && finished->second.contains(key)) return step;
  const auto hidden = recent_.hides(upstream, key);
  const auto* spec = spec_of(upstream);
  if (hidden && spec != nullptr && spec->is_source && hidden->by.major > key.major)
    step.superseded = Superseded{upstream.name, key.major, hidden->by.major};
  else
    step.hidden_by = hidden;
  return step;
}

// An end is the last record of its line: where it comes below the watermark and none was taken yet, the watermark is
// wrong, not the end. An earlier session's end, though, says nothing about the one that goes on.
bool SetAssembler::is_missed_end(const RecordHeader& header) const {
  const auto& [upstream, key, run] = header.origin;
  if (header.kind != RecordKind::end || ended_.contains(upstream)) return false;
  const auto* spec = spec_of(upstream);
  if (spec == nullptr || !spec->is_source) return true;
  const auto mark = watermarks_.all().find(upstream);
  return mark == watermarks_.all().end() || mark->second.major == key.major;
}

// What the headers alone show of an origin that no writer of the job wrote.
std::optional<Error> SetAssembler::disagreement(const RecordHeader& header) const {
  const auto& [upstream, key, run] = header.origin;
  if (header.kind != RecordKind::frame && (header.parts != 1 || header.chunk))
    return Error{ErrorCode::corrupt, "an outcome or an end that is cut into parts"};
  if (config_.run.value != 0 && run != config_.run)
    return Error{ErrorCode::corrupt, fmt::format("its origin {} is of run {}, and this is run {}",
                                                 to_string(header.origin), run.value, config_.run.value)};
  const auto* spec = spec_of(upstream);
  if (spec == nullptr) return std::nullopt;
  if (spec->is_source) {
    const OriginKey named{header.id.session.value, header.id.number};
    if (header.id.source == upstream.name && key == named && key.minor >= 0) return std::nullopt;
    return Error{ErrorCode::corrupt, fmt::format("its origin {} and its id {} contradict each other",
                                                 to_string(header.origin), to_string(header.id))};
  }
  if (is_written_by_stages(key, header.kind)) return std::nullopt;
  return Error{ErrorCode::corrupt,
               fmt::format("its origin {} is not one that a stage writes", to_string(header.origin))};
}

std::optional<Doubt> SetAssembler::doubt(const RecordHeader& header) const {
  const auto& [upstream, key, run] = header.origin;
  const auto* spec = spec_of(upstream);
  if (spec == nullptr) return std::nullopt;
  if (spec->is_source) {
    if (!config_.checks_sessions) return std::nullopt;
    const auto known = sessions_.find(upstream.name);
    if (known != sessions_.end() && key.major <= known->second.value) return std::nullopt;
    return Doubt{upstream, key, true};
  }
  if (!config_.checks_offsets || (header.kind == RecordKind::end && key.major == kBehindAll)) return std::nullopt;
  const auto mark = watermarks_.all().find(upstream);
  const auto before = mark == watermarks_.all().end() ? 0 : mark->second.major;
  if (key.major - before <= kPlausibleJump) return std::nullopt;  // neither is negative
  const auto end = ends_.find(upstream);
  if (end != ends_.end() && key.major < end->second.value) return std::nullopt;
  return Doubt{upstream, key, false};
}

// A foreign record is known by its place in the log alone: topic, partition, offset.
AssemblyStep SetAssembler::add_foreign(Offset offset, SystemTime timestamp, const Headers& headers, Payload payload) {
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
  AssemblyStep step;
  step.accepted = std::move(set);
  return step;
}

AssemblyStep SetAssembler::end_at(Offset offset, SystemTime now) const {
  AcceptedSet set;
  set.kind = RecordKind::end;
  set.released_by = set.first = offset;
  set.upstream = {config_.at.topic, config_.at.partition};
  set.key = {offset.value, 0};
  set.header.kind = RecordKind::end;
  set.header.id = {config_.at.topic, SessionId{config_.at.partition.value}, offset.value};
  set.header.captured_at = now;
  set.header.job = config_.job;
  AssemblyStep step;
  step.accepted = std::move(set);
  step.all_ended = step.without_record = true;
  return step;
}

AssemblyStep SetAssembler::refuse(Offset offset, SystemTime timestamp, Error why, const Headers& headers,
                                  Payload payload) {
  AssemblyStep step;
  AcceptedSet set;
  set.kind = RecordKind::outcome;
  set.released_by = set.first = offset;
  // No origin to trust: the place in the log stands for it. The name cannot be a source's or stage's ('/' is not
  // allowed).
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

AssemblyStep SetAssembler::refuse_unread(Offset offset, SystemTime timestamp, const std::string& why,
                                         const Headers& headers, Payload payload) {
  return refuse(offset, timestamp, Error{ErrorCode::corrupt, why}, headers, std::move(payload));
}

AssemblyStep SetAssembler::add_end(Offset offset, const RecordHeader& header) {
  AssemblyStep step;
  const auto& [upstream, key, run] = header.origin;
  ended_.insert(upstream);
  took(upstream, key, offset, step);
  step.ended = upstream;
  step.ended_key = key;
  if (all_ended()) {
    step.all_ended = true;
    // Nobody is left who could complete them, and the end waits for all that lies before it.
    for (const auto stray : open_.close_all()) step.settled.push_back(stray);
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

AssemblyStep SetAssembler::add_part(Offset offset, RecordHeader header, Payload payload) {
  AssemblyStep step;
  const auto upstream = header.origin.upstream;
  const auto key = header.origin.key;
  AcceptedSet set;
  set.kind = header.kind;
  set.released_by = set.first = offset;
  set.upstream = upstream;
  set.key = key;
  if (header.parts == 1 && !header.chunk) {
    set.header = header;
    if (header.kind == RecordKind::frame) set.frames.push_back({std::move(header), std::move(payload)});
  } else {
    auto added = open_.add(offset, config_.turns ? ++*config_.turns : ++turn_, std::move(header), payload);
    if (added.repeated) step.settled.push_back(offset);  // a writer never repeats itself; a damaged log might
    if (!added.complete) {
      note_given_up(open_.give_up(offset), step);
      return step;
    }
    put_together(std::move(*added.complete), set, step);
  }
  took(upstream, key, offset, step);
  step.accepted = std::move(set);
  return step;
}

// The set's own earlier records are settled together with it, by the ACK window.
void SetAssembler::put_together(OpenSets::Complete complete, AcceptedSet& set, AssemblyStep& step) {
  set.kind = RecordKind::frame;
  set.first = complete.members.front();
  set.members = std::move(complete.members);
  set.frames = std::move(complete.frames);
  set.header = std::move(complete.header);
  if (!complete.problem) return;
  set.kind = RecordKind::outcome;
  set.header.kind = RecordKind::outcome;
  set.header.outcome = Outcome::dead;
  set.header.reason = "not_a_frame: " + complete.problem->message;
  set.refused = RefusedRecord{encode_header(set.header), {}};  // its chunks are not kept
  step.problem = std::move(complete.problem);
}

void SetAssembler::note_given_up(const std::vector<Offset>& offsets, AssemblyStep& step) {
  step.given_up += offsets.size();
  step.settled.insert(step.settled.end(), offsets.begin(), offsets.end());
}

std::vector<Offset> SetAssembler::give_up_open_sets() {
  recent_.forget();
  return open_.close_all();
}

// Other writers' unfinished sets of what is now taken, or of earlier sets (which can never be taken any more), are
// abandoned.
void SetAssembler::took(const Upstream& upstream, OriginKey key, Offset offset, AssemblyStep& step) {
  watermarks_.raise(upstream, key);
  recent_.took(upstream, key, offset);
  if (!config_.drop_duplicates) return;
  for (const auto stray : open_.close_up_to(upstream, key)) step.settled.push_back(stray);
  note_given_up(open_.give_up(offset), step);
}

}  // namespace ride::stream
