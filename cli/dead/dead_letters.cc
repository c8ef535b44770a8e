#include "cli/dead/dead_letters.h"

#include <spdlog/fmt/fmt.h>

#include <chrono>
#include <optional>

#include "common/frame_tile.h"
#include "stream/core/set.h"
#include "stream/kafka/admin.h"
#include "stream/kafka/reader.h"
#include "stream/kafka/writer.h"

namespace ride::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kPoll{100};
constexpr std::chrono::seconds kPatience{20};

// What a record that the assembler accepted holds; nothing where it is no dead letter.
std::optional<DeadLetter> letter_of(const std::string& topic, stream::AcceptedSet set, const stream::Headers& last) {
  DeadLetter letter;
  letter.headers = set.refused          ? set.refused->headers
                   : set.frames.empty() ? last
                                        : encode_header(set.frames.front().header);
  auto notice = stream::decode_death(letter.headers);
  if (!notice.ok()) return std::nullopt;
  letter.about = {topic, set.released_by, std::move(notice).value(), std::nullopt, 0};
  if (!set.frames.empty()) letter.about.frame = set.frames.front().header.id;
  for (const auto& frame : set.frames) letter.about.bytes += static_cast<std::int64_t>(frame.payload.bytes.size());
  if (set.refused) letter.about.bytes = static_cast<std::int64_t>(set.refused->payload.bytes.size());
  letter.set = std::move(set);
  return letter;
}

}  // namespace

// The assembler puts chunks together; what a takeover wrote again is of the same place.
Result<void> DeadLetters::each(const std::string& topic, const std::function<bool(DeadLetter&&)>& on_letter) const {
  const stream::TopicPartition at{topic, PartitionId{0}};
  RIDE_ASSIGN(auto admin, kafka::open_admin(config_, std::chrono::seconds(5)));
  RIDE_ASSIGN(auto range, admin->range(at));
  if (range.first == range.end) return {};
  RIDE_ASSIGN(auto reader, kafka::KafkaReader::open(config_, {.group = "ride-dead", .prefetch_bytes = 32 << 20}));
  RIDE_TRY(reader->assign(at, range.first));
  // Letters of one line do not rise (decision 0037), and those of refused records carry no origin: they are known by
  // their places.
  stream::SetAssembler::Config config{at, "", {}, {}};
  config.drop_duplicates = false;
  stream::SetAssembler assembler(config, {});
  std::set<std::pair<stream::TopicPartition, Offset>> seen;
  for (auto deadline = Clock::now() + kPatience; Clock::now() < deadline;) {
    auto record = reader->poll(kPoll);
    if (!record.ok() && !record.error().retriable) return record.error();
    if (!record.ok() || !*record) continue;
    deadline = Clock::now() + kPatience;
    const auto offset = (*record)->offset;
    const auto headers = (*record)->headers;
    auto step = assembler.add(offset, (*record)->timestamp, headers, {(*record)->value, (*record)->owner});
    if (step.accepted) {
      auto letter = letter_of(topic, std::move(*step.accepted), headers);
      const bool repeated = letter && !seen.insert({letter->about.notice.at, letter->about.notice.offset}).second;
      if (letter && !repeated && !on_letter(std::move(*letter))) return {};
    }
    if (offset.value + 1 >= range.end.value) return {};
  }
  return Error{ErrorCode::timeout, fmt::format("no record came from {} for {} s", topic, kPatience.count())};
}

Result<DeadLetter> DeadLetters::find(const std::string& topic, const DeadPlace& place) const {
  std::optional<DeadLetter> found;
  auto read = each(topic, [&](DeadLetter&& letter) {
    const auto& notice = letter.about.notice;
    if (notice.at.partition != place.partition || notice.offset != place.offset) return true;
    found = std::move(letter);
    return false;
  });
  if (!read.ok()) return read.error();
  if (found) return std::move(*found);
  return Error{ErrorCode::not_found,
               fmt::format("{} holds no dead frame of {}/{}: `ride dead list` shows what there is", topic,
                           place.partition.value, place.offset.value)};
}

namespace {

Error not_ours(const DeadFrame& frame) {
  const auto place = place_text(frame.notice);
  return {
      ErrorCode::permission,
      fmt::format("{} {}: stage {} reads the topic {}, which others write: RIDE does not write into it. Save the frame "
                  "(`ride dead show {} {} --save FILE`) and send it again as that topic's writers do",
                  frame.topic, place, frame.notice.stage, frame.notice.at.topic, frame.topic, place)};
}

// The rest of its picture is behind the merge already.
Error part_of_a_picture(const DeadFrame& frame, const FrameTile& tile) {
  return {
      ErrorCode::unsupported,
      fmt::format("{} is tile {} of {} of the picture {}, which ended as incomplete at the merge: a part of it alone "
                  "leads to nothing. Send the whole picture again from its source",
                  place_text(frame.notice), tile.index + 1, tile.count(), frame.frame ? to_string(*frame.frame) : "")};
}

}  // namespace

Result<void> DeadLetters::replay(const DeadLetter& letter, RunNumber run, SystemTime now) const {
  if (died_in_foreign_topic(letter.about)) return not_ours(letter.about);
  if (letter.set.frames.empty())
    return Error{ErrorCode::unsupported, fmt::format("{} is not a frame ({}): there is nothing to run again",
                                                     place_text(letter.about.notice), letter.about.notice.reason)};
  if (const auto tile = tile_of(letter.set.frames.front().header.attributes); tile && tile->groups > 0)
    return part_of_a_picture(letter.about, *tile);
  std::vector<stream::SetFrame> frames;
  for (const auto& whole : letter.set.frames) {
    frames.push_back({whole.header, whole.payload});
    auto& passed_on = frames.back().header.passed_on;
    std::erase_if(passed_on, [](const auto& header) { return stream::is_death_header(header.first); });
    passed_on.emplace_back("ride_replayed_at", format_time(now));
  }
  const auto& first = letter.set.header;
  const stream::SetIdentity identity{
      first.job,
      first.writer_stage,
      "ride-dead",
      {{stream::kReplayUpstream, PartitionId{0}}, {now.time_since_epoch().count(), 0}, run}};
  RIDE_ASSIGN(auto writer, kafka::KafkaWriter::open(config_));
  const auto& to = letter.about.notice.at;
  RIDE_TRY(writer->prepare(to.topic));
  std::optional<Error> failure;
  for (auto& record : make_frame_set(identity, std::move(frames), stream::chunk_limits(config_.max_message_bytes))) {
    auto sent = writer->send(to, std::move(record), [&](const Result<Offset>& delivered) {
      if (!delivered.ok()) failure = delivered.error();
    });
    if (!sent.ok()) return sent;
  }
  RIDE_TRY(writer->flush(kPatience));
  if (failure) return *failure;
  return {};
}

}  // namespace ride::cli
