#include "stream/core/dead_letter.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace ride::stream {

namespace {

constexpr const char* kPrefix = "ride_dead_";
constexpr std::size_t kMostReason = 1000;
constexpr std::size_t kMostForeignHeaders = 16 << 10;  // of a record that is no frame: it may hold anything

std::optional<std::int64_t> number(const std::string& text) {
  std::int64_t value = 0;
  const auto [rest, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || rest != text.data() + text.size()) return std::nullopt;
  return value;
}

// A record that is no frame is copied as it is, if it may still be sent with our headers beside its own.
std::vector<OutRecord> copy_of(const RefusedRecord& refused, const DeathNotice& notice, const ChunkLimits& limits) {
  OutRecord out;
  std::size_t bytes = 0;
  for (const auto& [name, value] : refused.headers) bytes += name.size() + value.size();
  if (bytes <= kMostForeignHeaders)
    for (const auto& header : refused.headers)
      if (!is_death_header(header.first)) out.headers.push_back(header);
  const auto death = encode_death(notice);
  out.headers.insert(out.headers.end(), death.begin(), death.end());
  if (static_cast<std::int64_t>(refused.payload.bytes.size()) <= std::max(limits.whole_bytes, limits.chunk_bytes)) {
    out.value = refused.payload.bytes;
    out.owner = refused.payload.owner;
  } else {
    out.headers.emplace_back("ride_dead_cut", "the value is too large for a copy");
  }
  std::vector<OutRecord> records;
  records.push_back(std::move(out));
  return records;
}

}  // namespace

std::string dead_topic(const StageSpec& stage) {
  // Nothing of ours is made among the topics of others.
  return (stage.adopt ? stage.group_id : stage.topic) + ".dead";
}

bool is_death_header(const std::string& name) { return name.starts_with(kPrefix); }

Headers encode_death(const DeathNotice& notice) {
  return {{"ride_dead_topic", notice.at.topic},
          {"ride_dead_partition", std::to_string(notice.at.partition.value)},
          {"ride_dead_offset", std::to_string(notice.offset.value)},
          {"ride_dead_stage", notice.stage},
          {"ride_dead_reason", notice.reason.substr(0, kMostReason)},
          {"ride_dead_worker", notice.worker},
          {"ride_dead_attempts", std::to_string(notice.attempts)},
          {"ride_dead_at", format_time(notice.died_at)}};
}

Result<DeathNotice> decode_death(const Headers& headers) {
  DeathNotice notice;
  std::optional<std::int64_t> partition, offset;
  for (const auto& [name, value] : headers) {
    if (name == "ride_dead_topic") notice.at.topic = value;
    if (name == "ride_dead_partition") partition = number(value);
    if (name == "ride_dead_offset") offset = number(value);
    if (name == "ride_dead_stage") notice.stage = value;
    if (name == "ride_dead_reason") notice.reason = value;
    if (name == "ride_dead_worker") notice.worker = value;
    if (name == "ride_dead_attempts") notice.attempts = static_cast<int>(number(value).value_or(1));
    if (name == "ride_dead_at")
      if (auto at = parse_time(value); at.ok()) notice.died_at = *at;
  }
  if (notice.at.topic.empty() || !partition || !offset)
    return Error{ErrorCode::not_found,
                 "the record does not say where the dead frame lay (ride_dead_topic, _partition, _offset)"};
  notice.at.partition = PartitionId{static_cast<std::int32_t>(*partition)};
  notice.offset = Offset{*offset};
  return notice;
}

std::vector<OutRecord> make_dead_letter(const AcceptedSet& set, const SetIdentity& identity, const DeathNotice& notice,
                                        const ChunkLimits& limits) {
  if (set.frames.empty()) return copy_of(set.refused.value_or(RefusedRecord{}), notice, limits);
  std::vector<SetFrame> frames;
  for (const auto& whole : set.frames) {
    frames.push_back({whole.header, whole.payload});
    auto& passed_on = frames.back().header.passed_on;
    std::erase_if(passed_on, [](const auto& header) { return is_death_header(header.first); });
    const auto death = encode_death(notice);
    passed_on.insert(passed_on.end(), death.begin(), death.end());
  }
  return make_frame_set(identity, std::move(frames), limits);
}

}  // namespace ride::stream
