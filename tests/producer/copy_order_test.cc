#include "producer/core/copy_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace ride::producer {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Places = std::vector<CopyPlace>;

TEST(CopyOrder, TheFirstProposalOfARecordGivesItsNumber) {
  CopyOrder order;
  EXPECT_THAT(order.apply({{0, 5}, {1, 0}, {0, 6}}),
              ElementsAre(NumberedPlace{0, {0, 5}}, NumberedPlace{1, {1, 0}}, NumberedPlace{2, {0, 6}}));
  EXPECT_THAT(order.apply({{0, 5}, {0, 6}}), IsEmpty());
  EXPECT_THAT(order.apply({{0, 6}, {0, 9}, {1, 1}}), ElementsAre(NumberedPlace{3, {0, 9}}, NumberedPlace{4, {1, 1}}));
  EXPECT_EQ(order.behind(0), 10);
  EXPECT_EQ(order.behind(2), std::nullopt);
}

TEST(CopyOrder, IsPackedAsRunsAndReadAgain) {
  const Places places{{0, 5}, {0, 6}, {0, 7}, {2, 1}, {0, 8}, {0, 10}};
  EXPECT_EQ(pack_places(places), "0 5 3 2 1 1 0 8 1 0 10 1");
  EXPECT_EQ(unpack_places(pack_places(places)), places);
  for (const auto* wrong : {"0 5", "x", "0 -1 1", "0 0 99999999999"})
    EXPECT_EQ(unpack_places(wrong).value_or(Places{}), Places{}) << wrong;
  CopyOrder order;
  order.apply(places);
  EXPECT_EQ(CopyOrder::unpack(order.pack()), order);
  EXPECT_EQ(CopyOrder::unpack("1 2"), std::nullopt);
}

// What is no partition or offset must not be taken for another one, nor counted past the end of the numbers.
TEST(CopyOrder, NumbersThatNoLogHasAreRefused) {
  EXPECT_EQ(unpack_places("4294967296 0 1"), std::nullopt);
  EXPECT_EQ(unpack_places("0 9223372036854775807 2"), std::nullopt);
  EXPECT_EQ(unpack_places("0 0 1048576"), std::nullopt) << "a record of 11 bytes that fills 24 MB";
  EXPECT_TRUE(unpack_places("0 4611686018427387904 2"));
  EXPECT_EQ(CopyOrder::unpack("3 4294967296 5"), std::nullopt);
  EXPECT_EQ(CopyOrder::unpack("9223372036854775807 0 5"), std::nullopt);
}

// Two owners at once, one of which no longer is one: whatever the journal's order, both know the same numbers, each
// record has one, and none is left out.
TEST(CopyOrder, EveryReaderOfTheJournalKnowsTheSameNumbers) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 random(seed);
    const auto below = [&](int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(random); };
    std::vector<Places> journal;
    std::int64_t read[2][3] = {};
    for (int step = 0; step < 60; ++step) {
      auto& mine = read[below(2)];
      Places proposal;
      for (int k = below(5); k >= 0; --k) {
        const int partition = below(3);
        proposal.push_back({partition, mine[partition]++});
      }
      journal.push_back(proposal);
    }
    CopyOrder order;
    std::map<CopyPlace, std::int64_t> numbers;
    for (const auto& proposal : journal)
      for (const auto& [number, place] : order.apply(proposal)) EXPECT_TRUE(numbers.emplace(place, number).second);
    EXPECT_EQ(static_cast<std::int64_t>(numbers.size()), order.next_number());
    for (int p = 0; p < 3; ++p) {
      EXPECT_EQ(order.behind(p).value_or(0), std::max(read[0][p], read[1][p]));
      for (std::int64_t o = 0; o < std::max(read[0][p], read[1][p]); ++o) EXPECT_TRUE(numbers.contains({p, o}));
    }
  }
}

}  // namespace
}  // namespace ride::producer
