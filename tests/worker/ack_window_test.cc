#include "worker/core/ack_window.h"

#include <gtest/gtest.h>

namespace ride::worker {
namespace {

using stream::AcceptedSet;
using stream::AssemblyStep;
using stream::Upstream;

const Upstream kCam{"cam", PartitionId{0}};

AssemblyStep accepts(std::int64_t offset, std::int64_t key, std::vector<Offset> members = {}) {
  AcceptedSet set;
  set.released_by = Offset{offset};
  set.first = members.empty() ? Offset{offset} : members.front();
  set.members = std::move(members);
  set.upstream = kCam;
  set.key = {1, key};
  AssemblyStep step;
  step.accepted = set;
  return step;
}

AssemblyStep drops(std::int64_t offset) {
  AssemblyStep step;
  step.duplicate = true;
  step.settled = {Offset{offset}};
  return step;
}

TEST(AckWindow, CommitsTheOldestRecordWithoutAnAck) {
  AckWindow window(Offset{10}, {});
  window.read(Offset{10}, accepts(10, 0));
  window.read(Offset{11}, accepts(11, 1));
  window.ack(Offset{11}, Counted::acked);
  EXPECT_EQ(window.committable(), Offset{10});
  window.ack(Offset{10}, Counted::acked);
  EXPECT_EQ(window.committable(), Offset{12});
}

TEST(AckWindow, TellsTheWatermarkOfTheCommittedOffsetNotOfTheReadPosition) {
  AckWindow window(Offset{0}, {});
  window.read(Offset{0}, accepts(0, 5));
  window.read(Offset{1}, accepts(1, 6));
  window.ack(Offset{1}, Counted::acked);
  EXPECT_TRUE(window.metadata().watermarks.is_above(kCam, {1, 5}));
  window.ack(Offset{0}, Counted::acked);
  EXPECT_FALSE(window.metadata().watermarks.is_above(kCam, {1, 6}));
}

TEST(AckWindow, ListsAFinishedSetThatBeganBeforeTheCommittedOffset) {
  AckWindow window(Offset{0}, {});
  AssemblyStep held;
  window.read(Offset{0}, held);           // first chunk of set 7
  window.read(Offset{1}, accepts(1, 3));  // another frame, stays unfinished
  window.read(Offset{2}, accepts(2, 7, {Offset{0}, Offset{2}}));
  window.ack(Offset{2}, Counted::acked);
  EXPECT_EQ(window.committable(), Offset{1});
  const auto metadata = window.metadata();
  ASSERT_TRUE(metadata.finished.contains(kCam));
  EXPECT_TRUE(metadata.finished.at(kCam).contains({1, 7}));
  EXPECT_EQ(metadata.counters.acked, 1);
  window.ack(Offset{1}, Counted::acked);
  EXPECT_TRUE(window.metadata().finished.empty());
  EXPECT_EQ(window.metadata().counters.acked, 2);
}

// The next owner drops it as one that was taken before, and would wait for it for ever.
TEST(AckWindow, ALateSetThatBeganBeforeTheCommitIsNotWaitedForAnyMore) {
  const TileCut cut{0, 70};
  AckWindow window(Offset{0}, {});
  window.read(Offset{0}, {});  // first record of a late set
  window.read(Offset{1}, accepts(1, 3));
  AssemblyStep gives_up;
  gives_up.overdue.emplace_back();
  gives_up.overdue[0].released_by = Offset{1};
  gives_up.overdue[0].given_up = stream::GivenUpFrame{cut, {1, Offset{2}}};
  gives_up.settled = {Offset{2}};
  window.read(Offset{2}, gives_up);
  window.read(Offset{3}, accepts(3, 4));  // stays unfinished
  window.ack(Offset{1}, Counted::dead);
  EXPECT_TRUE(window.metadata().given_up.empty()) << "the commit stands before it";
  auto late = accepts(4, 7, {Offset{0}, Offset{4}});
  late.accepted->late_for = cut;
  window.read(Offset{4}, late);
  EXPECT_EQ(window.committable(), Offset{3});
  EXPECT_TRUE(window.metadata().finished.at(kCam).contains({1, 7}));
  EXPECT_TRUE(window.metadata().given_up.empty());
}

TEST(AckWindow, OnlyTheLastPicturesThatWereGivenUpTravelWithACommit) {
  AckWindow window(Offset{0}, {});
  for (std::int64_t n = 0; n < 150; ++n) {
    window.read(Offset{2 * n}, accepts(2 * n, n));
    AssemblyStep gives_up;
    gives_up.overdue.emplace_back();
    gives_up.overdue[0].released_by = Offset{2 * n};
    gives_up.overdue[0].given_up = stream::GivenUpFrame{{0, n}, {1, Offset{2 * n + 1}}};
    gives_up.settled = {Offset{2 * n + 1}};
    window.read(Offset{2 * n + 1}, gives_up);
    window.ack(Offset{2 * n}, Counted::dead);
  }
  const auto metadata = window.metadata();
  EXPECT_EQ(metadata.given_up.size(), stream::kMostLateFrames);
  EXPECT_TRUE(metadata.given_up.contains({0, 149}));
}

TEST(AckWindow, DuplicatesAreCountedAndDoNotHoldTheCommit) {
  AckWindow window(Offset{0}, {});
  window.read(Offset{0}, drops(0));
  EXPECT_EQ(window.committable(), Offset{1});
  EXPECT_EQ(window.metadata().counters.duplicates, 1);
}

TEST(AckWindow, CountsEveryOutcomeOnceAndKeepsTheCountOfEarlierOwners) {
  stream::CommitMetadata before;
  before.counters = {.acked = 100, .dead = 2};
  AckWindow window(Offset{0}, before);
  window.read(Offset{0}, accepts(0, 0));
  window.read(Offset{1}, accepts(1, 1));
  window.read(Offset{2}, accepts(2, 2));
  window.ack(Offset{0}, Counted::acked);
  window.ack(Offset{1}, Counted::dead);
  window.ack(Offset{2}, Counted::filtered);
  const auto counters = window.metadata().counters;
  EXPECT_EQ(counters.acked, 101);
  EXPECT_EQ(counters.dead, 3);
  EXPECT_EQ(counters.filtered, 1);
}

TEST(AckWindow, TheLastEndRecordHoldsTheCommitUntilItWentOn) {
  AckWindow window(Offset{0}, {});
  AssemblyStep first_end;
  first_end.ended = kCam;
  first_end.ended_key = {1, 9};
  window.read(Offset{0}, first_end);
  EXPECT_EQ(window.committable(), Offset{1});
  const Upstream other{"other", PartitionId{0}};
  auto last_end = accepts(1, 9);
  last_end.accepted->upstream = other;
  last_end.ended = other;
  last_end.ended_key = {1, 9};
  last_end.all_ended = true;
  window.read(Offset{1}, last_end);
  EXPECT_EQ(window.committable(), Offset{1});
  EXPECT_FALSE(window.metadata().forwarded_end);
  window.ack_end(Offset{1});
  EXPECT_EQ(window.committable(), Offset{2});
  EXPECT_TRUE(window.metadata().forwarded_end);
  EXPECT_EQ(window.metadata().ended.size(), 2U);
}

TEST(AckWindow, GapsInTheOffsetsAreNoHole) {
  AckWindow window(Offset{0}, {});
  window.read(Offset{0}, accepts(0, 0));
  window.read(Offset{7}, accepts(7, 1));
  window.ack(Offset{0}, Counted::acked);
  EXPECT_EQ(window.committable(), Offset{7});
}

TEST(AckWindow, CountsWhatExpiredOnceTheFrontHasPassedIt) {
  AckWindow window(Offset{0}, {});
  window.read(Offset{0}, accepts(0, 5));
  window.read(Offset{1}, {});  // first chunk of a set whose rest is gone
  window.expire(Offset{50}, {Offset{1}});
  EXPECT_EQ(window.position(), Offset{50});
  EXPECT_EQ(window.committable(), Offset{0}) << "a frame that was read before is not given up";
  EXPECT_EQ(window.metadata().counters.expired, 0) << "the next owner would find the same hole, and count it";
  window.read(Offset{50}, accepts(50, 9));
  window.ack(Offset{0}, Counted::acked);
  EXPECT_EQ(window.committable(), Offset{50});
  EXPECT_EQ(window.metadata().counters, (stream::OutcomeCounters{.acked = 1, .expired = 48}));
}

TEST(AckWindow, CanBeginAtAHole) {
  AckWindow window(Offset{7}, {});
  window.expire(Offset{9}, {});
  EXPECT_EQ(window.committable(), Offset{9});
  EXPECT_EQ(window.metadata().counters.expired, 2);
}

TEST(AckWindow, TellsWhereTheNextOwnersTaskIsWarmedUpFrom) {
  const auto of = [](const std::string& source, std::int64_t offset) {
    auto step = accepts(offset, offset);
    step.accepted->header.id.source = source;
    return step;
  };
  AckWindow window(Offset{0}, {}, 2);
  EXPECT_FALSE(window.metadata().warm_from);
  for (int i = 0; i < 6; ++i) window.read(Offset{i}, of(i % 3 == 0 ? "gate" : "door", i));  // gate 0 3, door 1 2 4 5
  for (int i = 0; i < 5; ++i) window.ack(Offset{i}, Counted::acked);
  EXPECT_EQ(window.metadata().warm_from, Offset{0}) << "the last two of the gate are 0 and 3";
  window.read(Offset{6}, of("gate", 6));
  window.ack(Offset{5}, Counted::acked);
  window.ack(Offset{6}, Counted::acked);
  EXPECT_EQ(window.metadata().warm_from, Offset{3});
  EXPECT_EQ(stream::unpack_commit_metadata(stream::pack(window.metadata())).value(), window.metadata());
  window.expire(Offset{50'000}, {});
  EXPECT_FALSE(window.metadata().warm_from) << "a source that is long away does not hold the log";
}

TEST(AckWindow, KeepsItsPredecessorsWarmUpUntilItIsWarmItself) {
  AckWindow window(Offset{10}, {.warm_from = Offset{4}}, 2);
  window.read(Offset{10}, accepts(10, 10));
  window.ack(Offset{10}, Counted::acked);
  EXPECT_EQ(window.metadata().warm_from, Offset{4});
}

TEST(AckWindow, AnOrderedEndStandsBehindTheLastRecordAndTakesNoPlaceInTheLog) {
  AckWindow window(Offset{10}, {});
  window.read(Offset{10}, accepts(10, 0));
  AssemblyStep end;
  end.accepted = AcceptedSet{};
  end.accepted->kind = stream::RecordKind::end;
  end.accepted->released_by = end.accepted->first = Offset{13};  // two records there are never handed out
  end.accepted->upstream = kCam;
  end.accepted->key = {13, 0};
  end.all_ended = end.without_record = true;
  window.read(Offset{13}, end);
  window.ack_end(Offset{13});
  EXPECT_EQ(window.committable(), Offset{10}) << "what is before it is not ACKed";
  window.ack(Offset{10}, Counted::acked);
  EXPECT_EQ(window.committable(), Offset{13}) << "where others go on writing";
  EXPECT_TRUE(window.metadata().forwarded_end);
}

TEST(AckWindow, APredecessorsFinishedSetsAreForgottenOnceTheWatermarkHasPassedThem) {
  stream::CommitMetadata before;
  before.finished[kCam] = {{1, 7}, {1, 9}};
  AckWindow window(Offset{10}, before);
  window.read(Offset{10}, accepts(10, 8));
  EXPECT_EQ(window.metadata().finished, before.finished);
  window.ack(Offset{10}, Counted::acked);
  EXPECT_EQ(window.metadata().finished.at(kCam), (std::set<stream::OriginKey>{{1, 9}}));
  window.read(Offset{11}, accepts(11, 10));
  window.ack(Offset{11}, Counted::acked);
  EXPECT_TRUE(window.metadata().finished.empty()) << "it travels with every commit";
}

// Picture 7 comes in two sets of tiles from two lines; between them lies another frame.
TEST(AckWindow, APictureThatIsPutTogetherBeganWithItsFirstTiles) {
  const Upstream other{"cam", PartitionId{1}};
  AckWindow window(Offset{0}, {});
  auto first = accepts(0, 7);
  first.held = true;
  window.read(Offset{0}, first);
  window.read(Offset{1}, accepts(1, 8));  // stays unfinished
  auto last = accepts(2, 5);
  last.accepted->upstream = other;
  last.accepted->joined = {Offset{0}};
  window.read(Offset{2}, last);
  EXPECT_EQ(window.ack(Offset{2}, Counted::acked), (std::vector{Offset{0}, Offset{2}}));
  EXPECT_EQ(window.committable(), Offset{1}) << "the first tiles lie before the commit";
  const auto finished = window.metadata().finished;
  ASSERT_TRUE(finished.contains(other)) << "the next owner would take the last tiles again, and miss the first";
  EXPECT_EQ(finished.at(other), (std::set<stream::OriginKey>{{1, 5}}));
}

}  // namespace
}  // namespace ride::worker
