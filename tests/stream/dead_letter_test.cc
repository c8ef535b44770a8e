// What lies in a dead topic: the frame as it came, and why it is there.
#include "stream/core/dead_letter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ride::stream {
namespace {

DeathNotice notice() {
  DeathNotice notice;
  notice.at = {"ride.street.1.people", PartitionId{3}};
  notice.offset = Offset{17};
  notice.stage = "people";
  notice.reason = "task_error: out of luck";
  notice.worker = "w1#a@4";
  notice.died_at = SystemTime(std::chrono::seconds(1'700'000'000));
  return notice;
}
SetIdentity identity() { return {"street", "people", "w1#a@4", {{"people", PartitionId{3}}, {17, 0}, RunNumber{1}}}; }

std::span<const std::uint8_t> bytes(std::size_t size) {
  static const std::vector<std::uint8_t> kBytes(100, 7);
  return std::span(kBytes).first(size);
}

AcceptedSet frame_set(std::size_t size) {
  AcceptedSet set;
  set.released_by = Offset{17};
  RecordHeader header;
  header.id = {"gate", SessionId{1}, 42};
  header.content_type = "image/jpeg";
  header.passed_on = {{"mine", "x"}, {"ride_dead_reason", "of an earlier death"}};
  set.header = header;
  set.frames.push_back({header, {bytes(size), nullptr}});
  return set;
}

TEST(DeadLetter, TheNoticeIsReadBack) {
  auto headers = encode_death(notice());
  headers.insert(headers.begin(), {"other", "1"});
  EXPECT_EQ(decode_death(headers).value(), notice());
  EXPECT_EQ(decode_death({{"other", "1"}}).error().code, ErrorCode::not_found);
  EXPECT_EQ(
      decode_death({{"ride_dead_topic", "t"}, {"ride_dead_partition", "x"}, {"ride_dead_offset", "1"}}).error().code,
      ErrorCode::not_found);
}

TEST(DeadLetter, AFrameIsStillAFrame) {
  const auto records = make_dead_letter(frame_set(50), identity(), notice(), {});
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(decode_death(records[0].headers).value(), notice()) << "an earlier death is not its own";
  const auto header = decode_header(records[0].headers).value();
  EXPECT_EQ(header.id, (FrameId{"gate", SessionId{1}, 42}));
  EXPECT_EQ(header.content_type, "image/jpeg");
  EXPECT_EQ(header.passed_on.front(), (std::pair<std::string, std::string>("mine", "x")));
  EXPECT_EQ(header.origin, identity().origin) << "so that a repetition is known";
  EXPECT_EQ(records[0].value.size(), 50U);
}

TEST(DeadLetter, ALargeFrameIsCutIntoChunksAsAnywhere) {
  const auto records = make_dead_letter(frame_set(90), identity(), notice(), {.whole_bytes = 50, .chunk_bytes = 40});
  ASSERT_EQ(records.size(), 3U);
  for (const auto& record : records) EXPECT_EQ(decode_death(record.headers).value(), notice());
}

TEST(DeadLetter, ARecordThatIsNoFrameIsKeptAsItWas) {
  AcceptedSet set;
  set.kind = RecordKind::outcome;
  set.released_by = Offset{17};
  set.refused = RefusedRecord{{{"who", "me"}, {"ride_format", "99"}}, {bytes(30), nullptr}};
  const auto records = make_dead_letter(set, identity(), notice(), {});
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].headers[0], (std::pair<std::string, std::string>("who", "me")));
  EXPECT_EQ(records[0].value.size(), 30U);
  EXPECT_EQ(decode_death(records[0].headers).value(), notice());
}

TEST(DeadLetter, WhatIsTooLargeForACopyIsLeftOutVisibly) {
  AcceptedSet set;
  set.kind = RecordKind::outcome;
  set.refused = RefusedRecord{{{"huge", std::string(100'000, 'x')}}, {bytes(60), nullptr}};
  const auto records = make_dead_letter(set, identity(), notice(), {.whole_bytes = 50, .chunk_bytes = 40});
  ASSERT_EQ(records.size(), 1U);
  EXPECT_TRUE(records[0].value.empty());
  EXPECT_EQ(records[0].headers.back().first, "ride_dead_cut");
  EXPECT_EQ(decode_death(records[0].headers).value(), notice());
}

TEST(DeadLetter, AnAdoptedTopicsDeadLieAmongOurs) {
  StageSpec stage;
  stage.topic = "theirs";
  stage.group_id = "ride.street.1.people";
  EXPECT_EQ(dead_topic(stage), "theirs.dead");
  stage.adopt = AdoptSpec{};
  EXPECT_EQ(dead_topic(stage), "ride.street.1.people.dead");
}

TEST(DeadLetter, AReplayedFrameIsTakenOnceByAStageThatKnowsItsInputs) {
  RecordHeader header;
  header.id = {"gate", SessionId{1}, 42};
  const SetIdentity replay{
      "street", "people", "ride-dead", {{kReplayUpstream, PartitionId{0}}, {1'700'000, 0}, RunNumber{1}}};
  std::vector<SetFrame> frames;
  frames.push_back({header, {bytes(50), nullptr}});
  const auto records = make_frame_set(replay, std::move(frames), {});
  SetAssembler assembler({{"in", PartitionId{0}}, "street", {{"gate", 1, true}}, {}}, {});
  const auto step = assembler.add(Offset{9}, SystemTime{}, records[0].headers, {records[0].value, nullptr});
  EXPECT_FALSE(step.problem);
  ASSERT_TRUE(step.accepted);
  EXPECT_EQ(step.accepted->header.id, header.id);
  EXPECT_TRUE(assembler.add(Offset{10}, SystemTime{}, records[0].headers, {records[0].value, nullptr}).duplicate);
}

}  // namespace
}  // namespace ride::stream
