#include "worker/core/partition_flow.h"

#include <gtest/gtest.h>

namespace ride::worker {
namespace {

const stream::Upstream kCam{"cam", PartitionId{0}};

stream::AssemblyStep accepted(std::int64_t offset) {
  stream::AssemblyStep step;
  step.accepted.emplace();
  step.accepted->released_by = step.accepted->first = Offset{offset};
  step.accepted->upstream = kCam;
  step.accepted->key = {1, offset};
  return step;
}

stream::AssemblyStep last_end(std::int64_t offset) {
  auto step = accepted(offset);
  step.accepted->kind = stream::RecordKind::end;
  step.ended = kCam;
  step.ended_key = step.accepted->key;
  step.all_ended = true;
  return step;
}

Processed result(std::int64_t offset, int sets) {
  Processed result;
  result.released_by = Offset{offset};
  for (int i = 0; i < sets; ++i) result.sets.push_back({{"out", PartitionId{i}}, {}});
  return result;
}

// The task holds the frame's group, releases what it held before, or both.
Processed result_of_segment(std::int64_t offset, bool releases, bool holds) {
  auto one = result(offset, 0);
  if (releases) one.released = {"segment"};
  if (holds) one.held = "segment";
  return one;
}

class PartitionFlowTest : public testing::Test {
 protected:
  std::int64_t committable() const { return flow.commit().offset.value; }
  PartitionFlow flow{Offset{0}, {}};
};

TEST_F(PartitionFlowTest, AFrameIsAckedWhenAllItsSetsAreDelivered) {
  flow.read(Offset{0}, accepted(0));
  const auto sendings = flow.processed(result(0, 2));
  ASSERT_EQ(sendings.size(), 2U);
  flow.delivered(sendings[0].batch);
  EXPECT_EQ(committable(), 0);
  EXPECT_EQ(flow.unacked().size(), 1U);
  flow.delivered(sendings[1].batch);
  EXPECT_EQ(committable(), 1);
  EXPECT_TRUE(flow.unacked().empty());
}

TEST_F(PartitionFlowTest, WhatLeadsToNothingIsAckedAtOnce) {
  flow.read(Offset{0}, accepted(0));
  EXPECT_TRUE(flow.processed(result(0, 0)).empty());
  EXPECT_EQ(committable(), 1);
}

TEST_F(PartitionFlowTest, TheEndGoesOnWhenAllBeforeItIsAcked) {
  flow.read(Offset{0}, accepted(0));
  flow.read(Offset{1}, last_end(1));
  const auto frame = flow.processed(result(0, 1));
  auto end = result(1, 0);
  end.is_end = true;
  end.end_sets = {{{"out", PartitionId{0}}, {}}, {{"out", PartitionId{1}}, {}}};
  EXPECT_TRUE(flow.processed(std::move(end)).empty()) << "the frame is not ACKed yet";
  const auto ends = flow.delivered(frame[0].batch);
  ASSERT_EQ(ends.size(), 2U);
  flow.delivered(ends[0].batch);
  EXPECT_FALSE(flow.window().metadata().forwarded_end);
  flow.delivered(ends[1].batch);
  EXPECT_TRUE(flow.window().metadata().forwarded_end);
  EXPECT_EQ(committable(), 2);
}

TEST_F(PartitionFlowTest, WhatIsNotBegunIsLeftToTheNextOwner) {
  for (int n = 0; n < 3; ++n) flow.read(Offset{n}, accepted(n));
  const auto first = flow.processed(result(0, 1));
  flow.give_up();
  EXPECT_FALSE(flow.handed_out()) << "a set is on its way";
  flow.read(Offset{3}, accepted(3));
  flow.delivered(first[0].batch);
  EXPECT_TRUE(flow.handed_out());
  EXPECT_EQ(committable(), 1);
}

TEST_F(PartitionFlowTest, HeldFramesAreAckedWithTheSetThatReleasesThem) {
  flow.read(Offset{0}, accepted(0));
  flow.read(Offset{1}, accepted(1));
  flow.processed(result_of_segment(0, false, true));
  EXPECT_EQ(committable(), 0);
  flow.processed(result_of_segment(1, true, false));
  EXPECT_EQ(committable(), 2);
}

// Two pictures of one frame: the first closes a segment, the second begins the next one.
TEST_F(PartitionFlowTest, ASetThatReleasesAndIsHeldAgainWaitsForTheNextRelease) {
  flow.read(Offset{0}, accepted(0));
  flow.read(Offset{1}, accepted(1));
  flow.processed(result_of_segment(0, false, true));
  flow.processed(result_of_segment(1, true, true));
  EXPECT_EQ(committable(), 1);
}

TEST_F(PartitionFlowTest, TheEndGoesOnBehindWhatFinishGave) {
  flow.read(Offset{0}, accepted(0));
  flow.read(Offset{1}, last_end(1));
  const auto frame = flow.processed(result(0, 1));
  auto end = result(1, 1);  // a picture of the task's finish()
  end.is_end = true;
  end.end_sets = {{{"out", PartitionId{0}}, {}}};
  const auto of_finish = flow.processed(std::move(end));
  ASSERT_EQ(of_finish.size(), 1U);
  EXPECT_TRUE(flow.delivered(frame[0].batch).empty()) << "all before the end is ACKed, but the picture is on its way";
  const auto ends = flow.delivered(of_finish[0].batch);
  ASSERT_EQ(ends.size(), 1U);
  EXPECT_FALSE(flow.ended());
  flow.delivered(ends[0].batch);
  EXPECT_TRUE(flow.ended());
}

TEST_F(PartitionFlowTest, TheEndDoesNotPassAFrameThatIsHeld) {
  flow.read(Offset{0}, accepted(0));
  flow.read(Offset{1}, accepted(1));
  flow.read(Offset{2}, last_end(2));
  flow.processed(result_of_segment(0, false, true));
  const auto frame = flow.processed(result(1, 1));
  auto end = result(2, 0);
  end.is_end = true;
  end.end_sets = {{{"out", PartitionId{0}}, {}}};
  EXPECT_TRUE(flow.processed(std::move(end)).empty());
  EXPECT_TRUE(flow.delivered(frame[0].batch).empty()) << "finish() did not make the segment durable";
  EXPECT_EQ(committable(), 0) << "the next owner gets both again, and the end behind them";
}

TEST_F(PartitionFlowTest, AFrameThatIsLetGoIsNotAckedWhileWhatItLedToIsOnItsWay) {
  flow.read(Offset{0}, accepted(0));
  flow.read(Offset{1}, accepted(1));
  auto held = result_of_segment(0, false, true);
  held.sets = result(0, 2).sets;
  const auto sendings = flow.processed(std::move(held));
  ASSERT_EQ(sendings.size(), 2U);
  flow.delivered(sendings[0].batch);
  flow.processed(result_of_segment(1, true, false));
  EXPECT_EQ(committable(), 0) << "one of its sets is not delivered";
  flow.delivered(sendings[1].batch);
  EXPECT_EQ(committable(), 2);
}

TEST_F(PartitionFlowTest, AFrameWhoseSetsAreDeliveredIsAckedWhenItIsLetGo) {
  flow.read(Offset{0}, accepted(0));
  flow.read(Offset{1}, accepted(1));
  auto held = result_of_segment(0, false, true);
  held.sets = result(0, 1).sets;
  flow.delivered(flow.processed(std::move(held))[0].batch);
  EXPECT_EQ(committable(), 0);
  flow.processed(result_of_segment(1, true, false));
  EXPECT_EQ(committable(), 2);
}

// The reader may learn of it after it was told to let the partition go.
TEST_F(PartitionFlowTest, WhatExpiresAfterAPartitionIsGivenUpIsTheNextOwnersToCount) {
  flow.read(Offset{0}, accepted(0));
  const auto frame = flow.processed(result(0, 1));
  flow.give_up();
  flow.read(Offset{1}, accepted(1));
  flow.expire(Offset{50}, {});
  flow.delivered(frame[0].batch);
  EXPECT_EQ(committable(), 1) << "the record at 1 was read, and nobody has worked on it";
  EXPECT_EQ(flow.window().counters().expired, 0);
}

}  // namespace
}  // namespace ride::worker
