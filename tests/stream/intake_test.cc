#include "stream/core/intake.h"

#include <gtest/gtest.h>

#include "stream/core/set.h"

namespace ride::stream {
namespace {

const TopicPartition kAt{"t", PartitionId{0}};

class IntakeTest : public testing::Test {
 protected:
  Intake open(CommitMetadata start = {}) { return Intake({kAt, "job", upstreams, adopt}, start); }

  // The records of a frame: `chunks` of them.
  std::vector<OutRecord> frame(std::int64_t number, const std::string& writer = "w", int chunks = 1) {
    RecordHeader header;
    header.id = {"cam", SessionId{1}, number};
    std::vector<SetFrame> frames(1);
    frames[0] = {header, {std::span(bytes).first(static_cast<std::size_t>(chunks) * 10), nullptr}};
    return make_frame_set({"job", "cam", writer, {{"cam", PartitionId{0}}, {1, number}, RunNumber{1}}}, std::move(frames),
                          {.whole_bytes = 10, .chunk_bytes = 10});
  }
  IntakeStep take(Intake& intake, const OutRecord& record) {
    return intake.take(Offset{next++}, SystemTime{}, record.headers, {record.value, nullptr});
  }

  std::vector<std::uint8_t> bytes = std::vector<std::uint8_t>(100, 5);
  std::vector<UpstreamSpec> upstreams = {{"cam", 1, true}};
  std::optional<AdoptSpec> adopt;
  std::int64_t next = 0;
};

TEST_F(IntakeTest, TakesEachOriginOnceWhoeverWroteIt) {
  auto intake = open();
  EXPECT_TRUE(take(intake, frame(0, "w1")[0]).accepted);
  EXPECT_TRUE(take(intake, frame(0, "w2")[0]).duplicate);
  EXPECT_TRUE(take(intake, frame(1, "w2")[0]).accepted);
  EXPECT_TRUE(take(intake, frame(0, "w1")[0]).duplicate);
}

// A stray part of a set that nobody completes must not keep the partition's commit for ever.
TEST_F(IntakeTest, WhatNoneOfItsInputsWroteIsNoFrame) {
  auto intake = open();
  const auto part = frame(0, "w1", 3)[0];
  upstreams = {{"gate", 1, true}};
  auto stranger = open();
  const auto step = take(stranger, part);
  ASSERT_TRUE(step.accepted && step.problem);
  EXPECT_EQ(step.accepted->header.outcome, Outcome::dead);
  EXPECT_EQ(stranger.held_bytes(), 0);
  EXPECT_FALSE(take(intake, part).problem);
}

TEST_F(IntakeTest, AZombiesFrameCountsWhenItComesFirst) {
  auto intake = open();
  EXPECT_TRUE(take(intake, frame(0, "zombie@1")[0]).accepted);
  EXPECT_TRUE(take(intake, frame(0, "owner@2")[0]).duplicate);
}

TEST_F(IntakeTest, TheFirstCompleteSetWinsAndTheOthersAreLetGo) {
  auto intake = open();
  const auto a = frame(0, "a", 2), b = frame(0, "b", 2);
  EXPECT_FALSE(take(intake, a[0]).accepted);
  EXPECT_FALSE(take(intake, b[0]).accepted);
  const auto step = take(intake, b[1]);
  ASSERT_TRUE(step.accepted);
  EXPECT_EQ(step.accepted->released_by, Offset{2});
  EXPECT_EQ(step.accepted->first, Offset{1});
  EXPECT_EQ(step.settled, std::vector<Offset>{Offset{0}});
  EXPECT_EQ(step.accepted->frames.at(0).payload.bytes.size(), 20U);
  EXPECT_TRUE(take(intake, a[1]).duplicate);
  EXPECT_EQ(intake.held_bytes(), 0);
}

TEST_F(IntakeTest, WhatWasFinishedBeyondTheCommitIsNotTakenAgain) {
  CommitMetadata start;
  start.finished[{"cam", PartitionId{0}}] = {{1, 5}};
  auto intake = open(start);
  EXPECT_TRUE(take(intake, frame(5)[0]).duplicate);
  EXPECT_TRUE(take(intake, frame(4)[0]).accepted);
}

TEST_F(IntakeTest, ASourcesNewSessionIsAboveTheOldOne) {
  auto intake = open();
  EXPECT_TRUE(take(intake, frame(100)[0]).accepted);
  auto later = frame(0);
  for (auto& [name, value] : later[0].headers)
    if (name == "ride_origin") value = "cam/0/2.0/1";
  EXPECT_TRUE(take(intake, later[0]).accepted);
}

TEST_F(IntakeTest, TheInputEndsWhenEveryUpstreamPartitionHasEnded) {
  upstreams = {{"blur", 2, false}};
  auto intake = open();
  const auto end = [](int partition) {
    return make_end_set({"job", "blur", "w", {{"blur", PartitionId{partition}}, {9, 1}, RunNumber{1}}},
                        {"cam", SessionId{1}, 3}, SystemTime{})[0];
  };
  EXPECT_FALSE(take(intake, end(0)).all_ended);
  EXPECT_TRUE(take(intake, end(0)).duplicate);
  const auto step = take(intake, end(1));
  EXPECT_TRUE(step.all_ended);
  ASSERT_TRUE(step.accepted);
  EXPECT_EQ(step.accepted->kind, RecordKind::end);
}

TEST_F(IntakeTest, ARecordThatIsNoFrameIsDeadAndItsNeighboursLive) {
  auto intake = open();
  EXPECT_TRUE(take(intake, frame(0)[0]).accepted);
  const auto step = take(intake, OutRecord{"", {{"who", "me"}}, bytes, nullptr});
  ASSERT_TRUE(step.problem);
  ASSERT_TRUE(step.accepted);
  EXPECT_EQ(step.accepted->kind, RecordKind::outcome);
  EXPECT_EQ(step.accepted->header.outcome, Outcome::dead);
  EXPECT_TRUE(take(intake, frame(1)[0]).accepted);
}

TEST_F(IntakeTest, ChunksThatContradictEachOtherMakeTheFrameDead) {
  auto intake = open();
  auto records = frame(0, "w", 2);
  for (auto& [name, value] : records[1].headers)
    if (name == "ride_chunk") value = "2/2/15/20";
  take(intake, records[0]);
  const auto step = take(intake, records[1]);
  ASSERT_TRUE(step.problem);
  EXPECT_EQ(step.accepted->kind, RecordKind::outcome);
}

TEST_F(IntakeTest, AnAdoptedTopicsRecordsAreFramesByTheirPlace) {
  adopt = AdoptSpec{"raw", "10x10x1", "8u"};
  auto intake = open();
  next = 41;
  const auto step = take(intake, OutRecord{"", {{"seq", "7"}}, bytes, nullptr});
  ASSERT_TRUE(step.accepted);
  EXPECT_EQ(to_string(step.accepted->header.id), "t/0/41");
  EXPECT_EQ(step.accepted->frames.at(0).header.passed_on, (Headers{{"seq", "7"}}));
}

TEST_F(IntakeTest, AnAdoptedTopicEndsWhereItIsOrderedTo) {
  adopt = AdoptSpec{"raw", "10x10x1", "8u"};
  const auto step = open().end_at(Offset{41}, SystemTime(std::chrono::seconds(1)));
  ASSERT_TRUE(step.accepted && step.all_ended && step.without_record);
  EXPECT_EQ(step.accepted->kind, RecordKind::end);
  EXPECT_EQ(step.accepted->released_by, Offset{41});
}

}  // namespace
}  // namespace ride::stream
