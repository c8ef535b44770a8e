#include "tests/simulation/ledger.h"

#include <algorithm>

#include "tests/simulation/sim_task.h"

namespace ride::simulation {

using stream::RecordKind;

namespace {

std::string item_of(const stream::RecordHeader& header) {
  const auto found = header.attributes.find("item");
  return found == header.attributes.end() ? std::string() : found->second;
}

}  // namespace

Ledger::Ledger(Story& story, stream::JobSpec job, IsPoison is_poison)
    : story_(story), job_(std::move(job)), is_poison_(std::move(is_poison)) {
  for (const auto& stage : job_.stages) {
    by_topic_[stage.topic] = &stage;
    by_group_[stage.group_id] = &stage;
    for (int p = 0; p < stage.partitions; ++p) readers_[{stage.topic, PartitionId{p}}].stage = &stage;
  }
}

// ---- records

bool Ledger::may_be_dead(const stream::RecordHeader& header) const {
  if (header.reason.find(kNoTaskCanDoIt) != std::string::npos) return true;
  return header.reason.find("signal 11") != std::string::npos &&
         std::any_of(job_.stages.begin(), job_.stages.end(),
                     [&](const auto& stage) { return is_poison_(stage.name, header.id); });
}

void Ledger::on_visible(const Line& line, std::int64_t offset) {
  const auto found = readers_.find(line.at);
  if (found == readers_.end()) return;
  auto& reader = found->second;
  reader.end = offset + 1;
  const auto decoded = stream::decode_header(line.records[static_cast<std::size_t>(offset)].content->headers);
  if (!decoded.ok()) return complain(to_string(line.at) + ": " + decoded.error().message);
  const auto& header = *decoded;
  // Also of one that is written again: its writer counts it.
  if (header.kind == RecordKind::outcome && header.outcome == stream::Outcome::dead && !may_be_dead(header))
    complain(fmt::format("{}, offset {}: frame {} is dead, and nothing was wrong with it: {}", to_string(line.at),
                         offset, to_string(header.id), header.reason));
  const Origin origin{header.origin.upstream, header.origin.key};
  if (reader.taken.contains(origin)) {
    ++repetitions_;
    return;
  }
  const std::pair key(origin, header.writer);
  auto& open = reader.open[key];
  open.parts.insert(header.part);
  if (!header.chunk || header.chunk->index == 0) open.pictures.emplace_back(header.id, item_of(header));
  if (static_cast<int>(open.parts.size()) < header.parts) return;
  auto pictures = std::move(open.pictures);
  reader.open.erase(key);
  take_set(reader, line, offset, header, origin, std::move(pictures));
}

// A complete set that was not taken before: by the rules only a source that was superseded may come too late.
void Ledger::take_set(Reader& reader, const Line& line, std::int64_t offset, const stream::RecordHeader& header,
                      Origin origin, std::vector<Picture> pictures) {
  const auto [newest, fresh] = reader.newest.try_emplace(origin.upstream, origin.key);
  if (!fresh && origin.key <= newest->second) {
    const bool superseded = is_source(origin.upstream.name) && origin.key.major < newest->second.major;
    if (!superseded)
      complain(fmt::format(
          "{}, offset {}: the set of {} from {}/{} is complete, but a younger one stands before it: lost",
          to_string(line.at), offset, to_string(header.id), origin.upstream.name, origin.upstream.partition.value));
    return;
  }
  newest->second = origin.key;
  accept(reader, line, origin, {offset, header.kind, header.id, std::move(pictures)});
}

void Ledger::accept(Reader& reader, const Line& line, Origin origin, Accepted set) {
  if (set.kind == RecordKind::end) {
    if (is_source(origin.upstream.name)) ends_[{origin.upstream.name, SessionId{origin.key.major}}] = origin.key.minor;
  } else {
    if (set.kind == RecordKind::frame && !is_source(origin.upstream.name) && is_poison_(origin.upstream.name, set.id))
      complain(fmt::format("{}, offset {}: frame {} came out of {}, where everybody dies of it", to_string(line.at),
                           set.released, to_string(set.id), origin.upstream.name));
    if (is_source(origin.upstream.name)) ++frames_;
    if (++counted_[{line.at.topic, origin.upstream.name, set.id}] > 1)
      complain(
          fmt::format("{}, offset {}: frame {} is counted twice", to_string(line.at), set.released, to_string(set.id)));
  }
  story_.tell("{} offset {}: {} {} of {}/{}, key {}.{}", to_string(line.at), set.released,
              set.kind == RecordKind::frame ? "frame"
              : set.kind == RecordKind::end ? "end"
                                            : "outcome",
              to_string(set.id), origin.upstream.name, origin.upstream.partition.value, origin.key.major,
              origin.key.minor);
  reader.taken[origin] = reader.accepted.size();
  reader.accepted.push_back(std::move(set));
}

void Ledger::on_kept(const FrameId& id, const std::string& item) { kept_.emplace(id, item); }

void Ledger::on_acknowledged(const FrameId& id, bool current) {
  if (current) acknowledged_.insert(id);
}

// ---- commits

void Ledger::on_commit(const std::string& group, const stream::TopicPartition& at, const stream::Commit& commit) {
  if (!by_group_.contains(group)) return;
  auto& reader = readers_.at(at);
  reader.committed = commit;
  story_.tell("commit of {}: {}", to_string(at), commit.offset.value);
  const auto metadata = stream::unpack_commit_metadata(commit.metadata);
  if (!metadata.ok()) return complain(metadata.error().message);
  if (commit.offset.value > reader.end) return complain(to_string(at) + ": the commit is beyond the end of the log");
  check_safe(reader, at, commit.offset, *metadata);
  check_counters(reader, at, commit.offset, *metadata);
}

// What this set led to and is not there; nothing when all is.
std::optional<std::string> Ledger::unsafe(const stream::StageSpec& stage, const Accepted& set) const {
  if (set.kind == RecordKind::end) return std::nullopt;  // see check_stages()
  for (const auto& output : stage.outputs) {
    if (!counted_.contains({output.topic, stage.name, set.id})) return "nothing of it stands in " + output.topic;
  }
  if (!stage.sink || set.kind != RecordKind::frame) return std::nullopt;
  for (const auto& picture : set.pictures)
    if (!kept_.contains(picture)) return "the sink did not keep it";
  return std::nullopt;
}

void Ledger::check_safe(Reader& reader, const stream::TopicPartition& at, Offset until,
                        const stream::CommitMetadata& metadata) {
  const auto check = [&](const Accepted& set) {
    if (const auto why = unsafe(*reader.stage, set))
      complain(fmt::format("the commit {} of {} passes frame {} of offset {}, but {}: lost", until.value, to_string(at),
                           to_string(set.id), set.released, *why));
  };
  for (; reader.safe < reader.accepted.size() && reader.accepted[reader.safe].released < until.value; ++reader.safe)
    check(reader.accepted[reader.safe]);
  for (const auto& [upstream, keys] : metadata.finished)
    for (const auto& key : keys)
      if (const auto found = reader.taken.find({upstream, key}); found != reader.taken.end())
        check(reader.accepted[found->second]);
}

// In = ACKed + in flight + dropped + dead: all that lies before the commit is counted there, and nothing else.
void Ledger::check_counters(const Reader& reader, const stream::TopicPartition& at, Offset until,
                            const stream::CommitMetadata& metadata) {
  std::int64_t expected = 0;
  for (const auto& set : reader.accepted) {
    if (set.released >= until.value) break;
    if (set.kind != RecordKind::end) ++expected;
  }
  for (const auto& [upstream, keys] : metadata.finished) {
    for (const auto& key : keys) {
      const auto found = reader.taken.find({upstream, key});
      if (found != reader.taken.end() && reader.accepted[found->second].released >= until.value) ++expected;
    }
  }
  const auto& counters = metadata.counters;
  const auto counted = counters.acked + counters.filtered + counters.dropped + counters.dead;
  if (counted != expected)
    complain(fmt::format("the commit {} of {} counts {} frames, {} lie before it", until.value, to_string(at), counted,
                         expected));
}

// ---- the end

void Ledger::check_completed() {
  check_sources();
  check_stages();
  check_files();
}

void Ledger::check_sources() {
  for (const auto& source : job_.sources) {
    for (const auto& output : source.outputs) {
      const auto taken = [&](const FrameId& id) { return counted_.contains({output.topic, source.name, id}); };
      for (const auto& id : acknowledged_)
        if (id.source == source.name && !taken(id))
          complain(
              fmt::format("frame {} was acknowledged and no reader of {} took it: lost", to_string(id), output.topic));
      const auto end = ends_.find({source.name, SessionId{1}});
      if (!source.finite) continue;
      if (end == ends_.end()) return complain("source " + source.name + " has no end");
      for (std::int64_t number = 0; number < end->second; ++number)
        if (const FrameId id{source.name, SessionId{1}, number}; !taken(id))
          complain(fmt::format("frame {} never came to {}: lost", to_string(id), output.topic));
    }
  }
}

void Ledger::check_stages() {
  for (const auto& [at, reader] : readers_) {
    for (const auto& set : reader.accepted)
      if (const auto why = unsafe(*reader.stage, set))
        complain(
            fmt::format("{}, offset {}: frame {}: {}: lost", to_string(at), set.released, to_string(set.id), *why));
    const auto metadata =
        reader.committed ? stream::unpack_commit_metadata(reader.committed->metadata) : stream::CommitMetadata{};
    if (!metadata->forwarded_end) complain(to_string(at) + ": its end did not go on, or is not committed");
  }
}

void Ledger::check_files() {
  std::set<Picture> expected;
  for (const auto& [at, reader] : readers_)
    if (reader.stage->sink)
      for (const auto& set : reader.accepted)
        if (set.kind == RecordKind::frame) expected.insert(set.pictures.begin(), set.pictures.end());
  for (const auto& [id, item] : kept_)
    if (!expected.contains({id, item})) complain("the sink kept " + to_string(id) + "/" + item + ", which nobody sent");
}

}  // namespace ride::simulation
