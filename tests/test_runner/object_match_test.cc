// Which found object is which expected one: overlaps by hand, and as many pairs as there can be.
#include "test_runner/object_match.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace ride::test_runner {
namespace {

using tasks::Detection;
using topology::ExpectedObject;

Detection found_at(double x, double y, double width, double height, const char* label = "person") {
  return {.label = label, .score = 1, .x = x, .y = y, .width = width, .height = height};
}
ExpectedObject wanted_at(double x, double y, double width, double height, const char* label = "person") {
  return {label, x, y, width, height};
}
std::size_t pairs(const ObjectMatch& match) {
  return static_cast<std::size_t>(std::count(match.expected.begin(), match.expected.end(), true));
}

TEST(ObjectMatch, OverlapsAreAreasOverAreas) {
  EXPECT_DOUBLE_EQ(overlap(wanted_at(0, 0, 10, 10), found_at(0, 0, 10, 10)), 1);
  EXPECT_DOUBLE_EQ(overlap(wanted_at(0, 0, 10, 10), found_at(5, 0, 10, 10)), 50.0 / 150);
  EXPECT_DOUBLE_EQ(overlap(wanted_at(0, 0, 10, 10), found_at(2, 3, 4, 5)), 20.0 / 100);
  EXPECT_EQ(overlap(wanted_at(0, 0, 10, 10), found_at(10, 0, 10, 10)), 0) << "they touch";
  EXPECT_EQ(overlap(wanted_at(0, 0, 10, 10), found_at(2, 2, 0, 5)), 0);
}

TEST(ObjectMatch, TakesNeitherAnotherLabelNorLessOverlapThanAsked) {
  const auto match = match_objects({wanted_at(0, 0, 10, 10), wanted_at(40, 0, 10, 10)},
                                   {found_at(0, 0, 10, 10, "car"), found_at(45, 0, 10, 10)}, 0.5);
  EXPECT_EQ(pairs(match), 0U);
  EXPECT_FALSE(match.found_by[0] || match.found_by[1]);
  EXPECT_EQ(pairs(match_objects({wanted_at(40, 0, 10, 10)}, {found_at(45, 0, 10, 10)}, 0.33)), 1U);
}

TEST(ObjectMatch, OneThatWasFoundStandsForOneAlone) {
  EXPECT_EQ(pairs(match_objects({wanted_at(0, 0, 10, 10), wanted_at(1, 0, 10, 10)}, {found_at(0, 0, 10, 10)}, 0.5)),
            1U);
}

// The first would take the one that the second needs, if it took the nearest.
TEST(ObjectMatch, AnObjectGivesWayWhereItFindsAnother) {
  const auto match = match_objects({wanted_at(2, 0, 10, 10), wanted_at(0, 0, 10, 10)},
                                   {found_at(1, 0, 10, 10), found_at(5, 0, 10, 10)}, 0.5);
  EXPECT_EQ(match.found_by[0], 1U);
  EXPECT_EQ(match.found_by[1], 0U);
}

// Against trying every assignment.
std::size_t most_pairs(const std::vector<ExpectedObject>& wanted, const std::vector<Detection>& found, double iou,
                       std::size_t from, unsigned used) {
  if (from == wanted.size()) return 0;
  std::size_t best = most_pairs(wanted, found, iou, from + 1, used);
  for (std::size_t i = 0; i < found.size(); ++i)
    if ((used >> i & 1U) == 0 && overlap(wanted[from], found[i]) >= iou)
      best = std::max(best, 1 + most_pairs(wanted, found, iou, from + 1, used | 1U << i));
  return best;
}

TEST(ObjectMatch, FindsAsManyPairsAsThereCanBe) {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> place(0, 12), size(6, 14);
  for (int round = 0; round < 200; ++round) {
    std::vector<ExpectedObject> wanted;
    std::vector<Detection> found;
    for (int i = 0; i < 5; ++i) wanted.push_back(wanted_at(place(random), place(random), size(random), size(random)));
    for (int i = 0; i < 5; ++i) found.push_back(found_at(place(random), place(random), size(random), size(random)));
    ASSERT_EQ(pairs(match_objects(wanted, found, 0.35)), most_pairs(wanted, found, 0.35, 0, 0)) << "round " << round;
  }
}

}  // namespace
}  // namespace ride::test_runner
