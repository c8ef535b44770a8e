#include "worker/core/tile_gather.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ride::worker {
namespace {

using std::chrono::milliseconds;
using stream::AcceptedSet;
using stream::AssemblyStep;
using stream::RecordKind;
using testing::ElementsAre;
using testing::HasSubstr;

const stream::Upstream kBlurred{"blur", PartitionId{0}};

class TileGatherTest : public testing::Test {
 protected:
  // The set of one group of the four stripes of a picture, in two groups, as the assembler hands it out at this offset.
  static AssemblyStep set_of(std::int64_t offset, std::int64_t number, int group) {
    static const std::vector<std::uint8_t> kPixels(10, 7);
    AcceptedSet set;
    set.released_by = set.first = Offset{offset};
    set.upstream = kBlurred;
    set.key = {offset, 0};
    for (auto tile : cut_into_tiles(8, 5, 4, 1, 1)) {
      tile.groups = 2;
      tile.group = tile.index % 2;
      tile.cut = {0, 100 + number};
      if (tile.group != group) continue;
      stream::WholeFrame frame;
      frame.header.id = {"cam", SessionId{1}, number};
      frame.header.attributes = {{kTileAttribute, to_string(tile)}, {"source_file", "a.png"}};
      frame.payload = {kPixels, nullptr};
      set.frames.push_back(frame);
    }
    set.header = set.frames.front().header;
    AssemblyStep step;
    step.accepted = std::move(set);
    return step;
  }
  static AssemblyStep outcome_of(std::int64_t offset, std::int64_t number, int group, stream::Outcome outcome) {
    auto step = set_of(offset, number, group);
    step.accepted->kind = step.accepted->header.kind = RecordKind::outcome;
    step.accepted->frames.clear();
    step.accepted->header.outcome = outcome;
    step.accepted->header.reason = "because";
    return step;
  }
  AssemblyStep take(std::int64_t offset, AssemblyStep step, std::int64_t written_ms = 0) {
    gather.take(Offset{offset}, SystemTime(milliseconds(written_ms)), step);
    return step;
  }
  TileGather gather{{.timeout = milliseconds(100), .records = 10, .bytes = 1'000'000}};
};

TEST_F(TileGatherTest, TheLastSetOfAPictureReleasesAllTilesInOrder) {
  const auto first = take(3, set_of(3, 0, 1));
  EXPECT_TRUE(first.held);
  EXPECT_TRUE(first.accepted->frames.empty()) << "the pictures wait here";
  EXPECT_GT(gather.held_bytes(), 20);
  const auto last = take(5, set_of(5, 0, 0));
  ASSERT_FALSE(last.held);
  EXPECT_EQ(last.accepted->kind, RecordKind::frame);
  EXPECT_EQ(last.accepted->released_by, Offset{5});
  EXPECT_THAT(last.accepted->joined, ElementsAre(Offset{3}));
  std::vector<int> tiles;
  for (const auto& frame : last.accepted->frames) tiles.push_back(tile_of(frame.header.attributes)->index);
  EXPECT_THAT(tiles, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(last.accepted->header.attributes, ElementsAre(std::pair("source_file", "a.png")));
  EXPECT_EQ(gather.held_bytes(), 0);
}

TEST_F(TileGatherTest, ABadTileMakesThePictureIncompleteWhenTheLastOneCame) {
  for (const auto outcome : {stream::Outcome::dead, stream::Outcome::dropped, stream::Outcome::filtered}) {
    EXPECT_TRUE(take(0, outcome_of(0, 0, 1, outcome)).held);
    const auto last = take(1, set_of(1, 0, 0));
    EXPECT_EQ(last.accepted->kind, RecordKind::outcome);
    EXPECT_EQ(last.accepted->header.outcome, stream::Outcome::dead);
    EXPECT_EQ(last.accepted->header.reason,
              std::string("incomplete: tiles 2, 4 of 4: ") + to_string(outcome) + ": because");
    EXPECT_EQ(last.accepted->refused.has_value(), outcome != stream::Outcome::dead)
        << "a dead tile has its dead letter already";
  }
}

TEST_F(TileGatherTest, ALaterRecordEndsAPictureWhoseTimeIsOver) {
  take(0, set_of(0, 0, 0), 1000);
  EXPECT_TRUE(take(1, set_of(1, 1, 0), 1100).overdue.empty());
  const auto step = take(2, AssemblyStep{}, 1101);
  ASSERT_EQ(step.overdue.size(), 1U);
  EXPECT_EQ(step.overdue[0].header.reason, "incomplete: tiles 2, 4 of 4 did not come within 100ms");
  EXPECT_EQ(step.overdue[0].out_key, (stream::OriginKey{2, -2}));
  EXPECT_TRUE(step.overdue[0].refused);
  EXPECT_EQ(gather.unfinished(), 1U);
  EXPECT_GT(gather.held_bytes(), 20);
}

TEST_F(TileGatherTest, ATileOfItsOwnGivesAPictureMoreTime) {
  auto three = [this](std::int64_t offset, int group, std::int64_t ms) {
    auto step = set_of(offset, 0, 0);
    auto tile = *tile_of(step.accepted->header.attributes);
    tile.groups = 4;
    tile.group = tile.index = group;
    step.accepted->frames.resize(1);
    step.accepted->header.attributes[kTileAttribute] = step.accepted->frames[0].header.attributes[kTileAttribute] =
        to_string(tile);
    return take(offset, step, ms);
  };
  three(0, 0, 0);
  three(1, 2, 90);
  take(2, set_of(2, 1, 0), 95);
  EXPECT_TRUE(take(3, AssemblyStep{}, 190).overdue.empty()) << "other records' time does not count from the first tile";
  three(4, 1, 190);
  const auto last = three(5, 3, 290);
  ASSERT_FALSE(last.held);
  EXPECT_EQ(last.accepted->kind, RecordKind::frame);
  EXPECT_EQ(last.accepted->frames.size(), 4U);
}

TEST_F(TileGatherTest, TooManyRecordsBehindItsFirstTileEndAPicture) {
  take(3, set_of(3, 1, 0));
  EXPECT_TRUE(take(13, AssemblyStep{}, 0).overdue.empty());
  const auto records = take(14, AssemblyStep{}, 0);
  ASSERT_EQ(records.overdue.size(), 1U);
  EXPECT_THAT(records.overdue[0].header.reason, HasSubstr("did not come within 10 records"));
}

// Bytes end no picture: those of others are no fault of its own.
TEST_F(TileGatherTest, BeyondTheLimitPicturesAreLetGoTheYoungestFirstAndReadAgain) {
  for (const std::int64_t number : {0, 1, 2}) take(number, set_of(number, number, 0));
  const auto all = gather.held_bytes();
  gather.fit(all - 1);
  const auto two = gather.held_bytes();
  EXPECT_LT(two, all - 20) << "a picture and its headers";
  gather.fit(0);
  EXPECT_GT(gather.held_bytes(), 0) << "where its records lie is kept, and counted";
  EXPECT_LT(gather.held_bytes(), two);
  const auto last = take(3, set_of(3, 0, 1));
  ASSERT_FALSE(last.held);
  EXPECT_EQ(last.accepted->kind, RecordKind::frame);
  EXPECT_EQ(last.accepted->reread, (std::vector<std::vector<Offset>>{{Offset{0}}}));
  EXPECT_THAT(last.accepted->joined, ElementsAre(Offset{0}));
  for (const std::int64_t number : {1, 2}) take(3 + number, set_of(3 + number, number, 1));
  EXPECT_EQ(gather.held_bytes(), 0);
}

TEST_F(TileGatherTest, ItsOwnLimitLetsGoOfPicturesAsWell) {
  TileGather small({.bytes = 1});
  auto first = set_of(0, 0, 0), second = set_of(1, 0, 1);
  first.accepted->members = {Offset{-3}, Offset{-1}, Offset{0}};
  small.take(Offset{0}, {}, first);
  small.take(Offset{1}, {}, second);
  ASSERT_FALSE(second.held);
  EXPECT_EQ(second.accepted->reread, (std::vector<std::vector<Offset>>{{Offset{-3}, Offset{-1}, Offset{0}}}));
  EXPECT_EQ(second.accepted->frames.size(), 2U) << "those of the last set are here";
}

TEST_F(TileGatherTest, LargeHeadersAreCountedAndLetGoWithThePictures) {
  auto large = set_of(0, 0, 0);
  const std::string text(100'000, 'x');
  large.accepted->header.passed_on = {{"note", text}};
  for (auto& frame : large.accepted->frames) frame.header.attributes["detections"] = text;
  large.accepted->header.attributes["detections"] = text;
  take(0, large);
  EXPECT_GT(gather.held_bytes(), 200'000);
  gather.fit(0);
  EXPECT_LT(gather.held_bytes(), 10'000);
}

TEST_F(TileGatherTest, APictureWithABadTileIsNotReadAgain) {
  take(0, outcome_of(0, 0, 1, stream::Outcome::dead));
  gather.fit(0);
  const auto last = take(1, set_of(1, 0, 0));
  EXPECT_EQ(last.accepted->kind, RecordKind::outcome);
  EXPECT_TRUE(last.accepted->reread.empty());
}

TEST_F(TileGatherTest, APictureThatIsCutTwiceUnderOneNameIsTwoPictures) {
  auto again = [this](std::int64_t offset, int group) {
    auto step = set_of(offset, 0, group);
    for (auto& frame : step.accepted->frames) {
      auto tile = *tile_of(frame.header.attributes);
      tile.cut = {0, 500};
      frame.header.attributes[kTileAttribute] = to_string(tile);
    }
    step.accepted->header = step.accepted->frames.front().header;
    return take(offset, step);
  };
  EXPECT_TRUE(take(0, set_of(0, 0, 0)).held);
  EXPECT_TRUE(again(1, 0).held);
  EXPECT_EQ(again(2, 1).accepted->kind, RecordKind::frame);
  EXPECT_EQ(take(3, set_of(3, 0, 1)).accepted->kind, RecordKind::frame);
}

TEST_F(TileGatherTest, ATileThatWasRefusedHereHasNoDeadLetterYet) {
  auto refused = outcome_of(0, 0, 1, stream::Outcome::dead);
  refused.accepted->refused = stream::RefusedRecord{};
  take(0, refused);
  EXPECT_TRUE(take(1, set_of(1, 0, 0)).accepted->refused);
}

TEST_F(TileGatherTest, MoreGivenUpPicturesThanFitIntoACommitAreForgottenAndCounted) {
  TileGather many({.timeout = milliseconds(100), .records = 1'000'000});
  for (std::int64_t n = 0; n < 103; ++n) {
    auto step = set_of(n, n, 0);
    many.take(Offset{n}, SystemTime(milliseconds(1000 * n)), step);
  }
  AssemblyStep none;
  many.take(Offset{200}, SystemTime(milliseconds(1'000'000)), none);
  many.take(Offset{201}, SystemTime(milliseconds(1'000'000)), none);
  EXPECT_EQ(many.forgotten(), 3);
  auto oldest = set_of(202, 0, 1), later = set_of(203, 50, 1);
  many.take(Offset{202}, SystemTime(milliseconds(1'000'000)), oldest);
  many.take(Offset{203}, SystemTime(milliseconds(1'000'000)), later);
  EXPECT_TRUE(oldest.held) << "it opens its picture again";
  EXPECT_TRUE(later.accepted->late_for);
}

TEST_F(TileGatherTest, SoDoesTheEndOfTheInputForAll) {
  take(0, set_of(0, 0, 0));
  take(1, set_of(1, 1, 1));
  AssemblyStep end;
  end.accepted.emplace();
  end.accepted->kind = RecordKind::end;
  const auto step = take(4, end);
  ASSERT_EQ(step.overdue.size(), 2U);
  EXPECT_EQ(step.overdue[0].out_key, (stream::OriginKey{4, -4}));
  EXPECT_EQ(step.overdue[1].out_key, (stream::OriginKey{4, -3})) << "rising, as they are sent";
  EXPECT_THAT(step.overdue[1].header.reason, HasSubstr("tiles 1, 3 of 4 did not come before the input ended"));
  EXPECT_EQ(step.accepted->kind, RecordKind::end);
}

TEST_F(TileGatherTest, ALateTileLeadsToNothingAndTheNextOwnerKnowsIt) {
  take(0, set_of(0, 7, 0), 0);
  const auto over = take(1, AssemblyStep{}, 200);
  ASSERT_EQ(over.overdue.size(), 1U);
  ASSERT_TRUE(over.overdue[0].given_up);
  EXPECT_EQ(over.overdue[0].given_up->late, (stream::LateTiles{1, Offset{1}}));
  TileGather next({}, {{over.overdue[0].given_up->cut, over.overdue[0].given_up->late}});
  for (auto* one : {&gather, &next}) {
    auto step = set_of(2, 7, 1);
    one->take(Offset{2}, {}, step);
    EXPECT_EQ(step.accepted->late_for, (TileCut{0, 107}));
    EXPECT_EQ(one->unfinished(), 0U);
    EXPECT_EQ(one->held_bytes(), 0);
  }
}

TEST_F(TileGatherTest, WhatIsNoTileGoesOnAlone) {
  auto whole = outcome_of(0, 3, 0, stream::Outcome::dead);
  whole.accepted->header.attributes.clear();
  const auto step = take(0, whole);
  EXPECT_FALSE(step.held);
  EXPECT_EQ(step.accepted->header.reason, "because");
  EXPECT_EQ(gather.unfinished(), 0U);
}

// Somebody else's records: neither more memory nor another picture's tiles.
TEST_F(TileGatherTest, ASetThatHoldsOtherTilesThanItSaysOrComesTwiceIsNotPutIntoThePicture) {
  auto liar = set_of(0, 0, 1);
  liar.accepted->frames.pop_back();
  take(0, liar);
  EXPECT_THAT(take(1, set_of(1, 0, 0)).accepted->header.reason, HasSubstr("other tiles than they say"));
  take(2, set_of(2, 1, 0));
  const auto again = take(3, set_of(3, 1, 0));
  EXPECT_FALSE(again.held);
  EXPECT_EQ(again.accepted->kind, RecordKind::outcome);
  EXPECT_EQ(take(4, set_of(4, 1, 1)).accepted->kind, RecordKind::frame) << "the picture itself is not touched";
}

}  // namespace
}  // namespace ride::worker
