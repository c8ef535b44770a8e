#include "master/core/placement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace ride::master {
namespace {

GroupView group(int members, std::vector<int> owners) {
  GroupView view;
  for (int i = 0; i < members; ++i) view.members.push_back({NodeName{"n1"}});
  for (const int owner : owners) view.partitions.push_back({.owner = owner});
  return view;
}

std::vector<int> loads_after(const GroupView& view, const Moves& moves) {
  std::vector<int> loads(view.members.size(), 0);
  for (const auto& slot : view.partitions)
    if (slot.owner >= 0 && !slot.free) ++loads[static_cast<std::size_t>(slot.owner)];
  for (const auto& give : moves.give) ++loads[static_cast<std::size_t>(give.to)];
  return loads;
}

TEST(Placement, AnEmptyGroupGetsNothing) {
  const auto moves = place(group(0, {-1, -1}));
  EXPECT_TRUE(moves.give.empty());
  EXPECT_TRUE(moves.release.empty());
}

TEST(Placement, PartitionsWithoutOwnersAreSpreadEvenly) {
  const auto view = group(3, {-1, -1, -1, -1, -1, -1, -1});
  const auto moves = place(view);
  EXPECT_EQ(loads_after(view, moves), (std::vector<int>{3, 2, 2}));
  EXPECT_TRUE(moves.release.empty());
}

TEST(Placement, WhoStillFetchesItsFilesIsGivenNothingAndHoldsNobodyUp) {
  auto view = group(3, {-1, -1, -1, -1});
  view.members[1].able = false;
  const auto moves = place(view);
  EXPECT_EQ(loads_after(view, moves), (std::vector<int>{2, 0, 2}));
  EXPECT_TRUE(moves.look_again);

  auto uneven = group(3, {0, 0, 0, 0});
  uneven.members[1].able = uneven.members[1].ready = false;
  EXPECT_EQ(place(uneven).release.size(), 2u) << "for the third, though the second has none, either";

  auto nobody = group(2, {-1, -1});
  for (auto& member : nobody.members) member.able = member.ready = false;
  EXPECT_TRUE(place(nobody).give.empty());
  EXPECT_TRUE(place(nobody).look_again);
}

TEST(Placement, NodesTakeTurns) {
  auto view = group(3, {-1, -1});
  view.members[2].node = NodeName{"n2"};  // 0 and 1 are on n1
  const auto moves = place(view);
  EXPECT_EQ(loads_after(view, moves), (std::vector<int>{1, 0, 1}));
}

TEST(Placement, WhatALostWorkerHadGoesToThoseWithLeast) {
  const auto view = group(3, {0, 0, 1, 1, -1, -1});
  const auto moves = place(view);
  EXPECT_EQ(loads_after(view, moves), (std::vector<int>{2, 2, 2}));
  EXPECT_TRUE(moves.release.empty());
}

TEST(Placement, ANewMemberGetsAsFewPartitionsAsPossible) {
  const auto moves = place(group(3, {0, 0, 0, 1, 1, 1}));
  EXPECT_EQ(moves.release.size(), 2u);  // 3+3+0 -> 2+2+2
  EXPECT_TRUE(moves.give.empty());
}

TEST(Placement, ALoadThatDiffersByOneIsLeftAlone) {
  EXPECT_TRUE(place(group(2, {0, 0, 0, 1, 1})).release.empty());
  EXPECT_TRUE(place(group(3, {0, 1})).release.empty());
}

TEST(Placement, NothingIsAskedBackWhileAMoveIsUnderWay) {
  auto view = group(3, {0, 0, 0, 0, 1, 1});
  view.partitions[0].releasing = true;
  EXPECT_TRUE(place(view).release.empty());
}

TEST(Placement, AReleasedPartitionGoesToTheNewMember) {
  auto view = group(2, {0, 0, 0});
  view.partitions[2].releasing = view.partitions[2].free = true;
  const auto moves = place(view);
  ASSERT_EQ(moves.give.size(), 1u);
  EXPECT_EQ(moves.give[0].partition, PartitionId{2});
  EXPECT_EQ(moves.give[0].to, 1);
}

TEST(Placement, AMemberThatIsNotWarmIsWaitedFor) {
  auto view = group(2, {0, 0, 0, 0});
  view.members[1].ready = false;
  const auto moves = place(view);
  EXPECT_TRUE(moves.release.empty());
  EXPECT_TRUE(moves.look_again);
}

TEST(Placement, AnOutsiderIsAskedForAllThatItHas) {
  const auto moves = place(group(1, {GroupView::kOutsider, 0, GroupView::kOutsider}));
  EXPECT_EQ(moves.release, (std::vector<PartitionId>{PartitionId{0}, PartitionId{2}}));
}

TEST(Placement, RebalancingMovesTheLeastThatEvensOut) {
  // Any load vector: releases = sum of what lies above the shares, when the difference is two or more.
  for (int seed = 0; seed < 500; ++seed) {
    const int members = 1 + seed % 7;
    std::vector<int> owners;
    unsigned state = static_cast<unsigned>(seed) * 2654435761u + 1;
    for (int p = 0; p < 1 + seed % 23; ++p) {
      state = state * 1664525u + 1013904223u;
      owners.push_back(static_cast<int>((state >> 16) % static_cast<unsigned>(members)));
    }
    const auto view = group(members, owners);
    const auto before = loads_after(view, {});
    const auto moves = place(view);
    auto sorted = before;
    std::sort(sorted.rbegin(), sorted.rend());
    const int total = static_cast<int>(owners.size());
    std::size_t least = 0;
    for (int i = 0; i < members; ++i) {
      const int share = total / members + (i < total % members ? 1 : 0);
      least += static_cast<std::size_t>(std::max(0, sorted[static_cast<std::size_t>(i)] - share));
    }
    const bool uneven = sorted.front() - sorted.back() >= 2;
    EXPECT_EQ(moves.release.size(), uneven ? least : 0u) << "seed " << seed;
  }
}

// Each of them is a small part of what its owner does.
TEST(Placement, ANewcomerGetsItsShareOfManyPartitionsThoughTheirWeightsDiffer) {
  auto view = group(3, std::vector<int>(60, 0));
  for (std::size_t p = 0; p < view.partitions.size(); ++p) {
    view.partitions[p].owner = static_cast<int>(p % 2);
    view.partitions[p].weight = 1 + 0.01 * static_cast<double>(p % 7);
  }
  for (auto& member : view.members) member.speed = 40;
  const auto moves = place(view);
  EXPECT_GE(moves.release.size(), 16u);
  EXPECT_LE(moves.release.size(), 20u);
}

// The fast ones would be through no sooner, but the slow ones would stand idle beside a backlog.
TEST(Placement, NobodyStandsIdleWhereAnotherHasTwo) {
  auto view = group(4, {0, 0, 1, 1});
  for (std::size_t i = 0; i < view.members.size(); ++i) view.members[i].speed = i < 2 ? 5 : 2.5;
  for (auto& slot : view.partitions) slot.weight = 4;
  EXPECT_EQ(place(view).release.size(), 2u);
  view = group(4, {0, 1, 2, 3});
  for (std::size_t i = 0; i < view.members.size(); ++i) view.members[i].speed = i < 2 ? 5 : 2.5;
  EXPECT_TRUE(place(view).release.empty()) << "and it stays so";
}

TEST(Placement, WhoGotOneLatelyGivesNoneAndWhoGaveOneGetsNone) {
  auto view = group(3, {0, 0, 0, 0, 1, 1, 2, 2});
  EXPECT_TRUE(place(view).release.size() == 1);
  view.members[0].keeps = true;
  EXPECT_TRUE(place(view).release.empty());
  view.members[0].keeps = false;
  view.members[1].enough = view.members[2].enough = true;
  EXPECT_TRUE(place(view).release.empty());
  view.members[2].enough = false;
  EXPECT_EQ(place(view).release.size(), 1u) << "the third may have it";
  view.partitions[7].owner = GroupView::kNobody;
  view.members[2].enough = view.members[2].keeps = true;
  EXPECT_EQ(place(view).give.size(), 1u) << "what nobody has is given to anybody";
}

TEST(Placement, ASmallDifferenceIsLeftAloneWhereItIsMeasured) {
  auto view = group(2, std::vector<int>(40, 0));
  for (std::size_t p = 0; p < view.partitions.size(); ++p) {
    view.partitions[p].owner = p < 21 ? 0 : 1;
    view.partitions[p].weight = 1 + 0.01 * static_cast<double>(p % 3);
  }
  for (auto& member : view.members) member.speed = 20;
  EXPECT_TRUE(place(view).release.empty());
}

}  // namespace
}  // namespace ride::master
