#include "ledger/core/number_set.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <set>

namespace ride::ledger {
namespace {

TEST(NumberSet, JoinsNeighboursAndKnowsWhatItHas) {
  NumberSet set;
  for (const auto number : {5, 3, 4, 9, 3}) set.insert(number);
  EXPECT_EQ(set.size(), 4);
  EXPECT_TRUE(set.contains(4));
  EXPECT_FALSE(set.contains(6));
  EXPECT_FALSE(set.insert(5));
  EXPECT_EQ(set.first(10), (std::vector<std::int64_t>{3, 4, 5, 9}));
}

// Against std::set, over random numbers in a narrow range, so that runs join, overlap and split.
TEST(NumberSet, AgreesWithAPlainSet) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    NumberSet a, b;
    std::set<std::int64_t> plain_a, plain_b;
    for (int i = 0; i < 30; ++i) {
      const auto x = static_cast<std::int64_t>(random() % 40), y = static_cast<std::int64_t>(random() % 40);
      EXPECT_EQ(a.insert(x), plain_a.insert(x).second);
      EXPECT_EQ(b.insert(y), plain_b.insert(y).second);
    }
    std::set<std::int64_t> rest, both, all = plain_a;
    for (const auto x : plain_a) (plain_b.contains(x) ? both : rest).insert(x);
    all.insert(plain_b.begin(), plain_b.end());
    const auto numbers = [](const NumberSet& set) {
      const auto list = set.first(1000);
      EXPECT_EQ(static_cast<std::int64_t>(list.size()), set.size());
      return std::set<std::int64_t>(list.begin(), list.end());
    };
    EXPECT_EQ(numbers(a.minus(b)), rest) << "round " << round;
    EXPECT_EQ(numbers(a.common_with(b)), both) << "round " << round;
    a.add(b);
    EXPECT_EQ(numbers(a), all) << "round " << round;
  }
}

// A frame's number is whatever a header says.
TEST(NumberSet, HoldsTheLastAndTheFirstNumberThereIs) {
  constexpr auto kLast = std::numeric_limits<std::int64_t>::max(), kFirst = std::numeric_limits<std::int64_t>::min();
  NumberSet ends, other;
  for (const auto number : {kLast, kFirst, kLast - 1, std::int64_t{5}}) EXPECT_TRUE(ends.insert(number));
  for (const auto number : {kLast, kFirst}) EXPECT_FALSE(ends.insert(number));
  EXPECT_EQ(ends.size(), 4);
  EXPECT_EQ(ends.first(9), (std::vector<std::int64_t>{kFirst, 5, kLast - 1, kLast}));
  other.insert(kLast);
  other.insert(kFirst);
  EXPECT_EQ(ends.minus(other).first(9), (std::vector<std::int64_t>{5, kLast - 1}));
  EXPECT_EQ(other.minus(ends).size(), 0);
  other.add(ends);
  EXPECT_EQ(other.first(9), ends.first(9));
}

TEST(NumberTally, KnowsWhatWasSeenHowOften) {
  NumberTally tally;
  EXPECT_EQ(tally.add(1), 0);
  EXPECT_EQ(tally.add(2), 0);
  EXPECT_EQ(tally.add(1), 1);
  NumberTally other;
  other.add(1);
  other.add(3);
  tally.add(other);
  EXPECT_EQ(tally.total(), 5);
  EXPECT_EQ(tally.seen(0).first(9), (std::vector<std::int64_t>{1, 2, 3}));
  EXPECT_EQ(tally.seen(2).first(9), (std::vector<std::int64_t>{1}));
  EXPECT_EQ(tally.seen(3).size(), 0);
}

}  // namespace
}  // namespace ride::ledger
