#include "producer/topic_manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memory_access.h"

namespace ride::producer {
namespace {

using testing::ElementsAre;
using Names = std::vector<std::string>;

ItemManifest::List listing(Names names, int* calls = nullptr) {
  return [names = std::move(names), calls]() -> Result<Names> {
    if (calls != nullptr) ++*calls;
    return names;
  };
}

class TopicManifestTest : public testing::Test {
 protected:
  TopicManifest manifest(const std::string& incarnation) {
    return TopicManifest(access_, "p.job.1.src.manifest", incarnation);
  }
  std::shared_ptr<stream::MemoryLog> log_ = stream::MemoryLog::make();
  MemoryAccess access_{log_};
};

TEST_F(TopicManifestTest, ALaterStartFindsTheItemsOfTheFirstOne) {
  int calls = 0;
  EXPECT_THAT(manifest("p#1").items(listing({"b", "c"}, &calls)).value(), ElementsAre("b", "c"));
  EXPECT_THAT(manifest("p#2").items(listing({"a", "b", "c", "d"}, &calls)).value(), ElementsAre("b", "c"));
  EXPECT_EQ(calls, 1);
}

TEST_F(TopicManifestTest, HoldsManyNamesOfAnyBytes) {
  Names names;
  for (int i = 0; i < 30'000; ++i) names.push_back("folder/picture " + std::to_string(i) + ".jpg");
  names.push_back("caf\xE9 \xFF\n\"quoted\"");  // no UTF-8
  EXPECT_EQ(manifest("p#1").items(listing(names)).value(), names);
  EXPECT_EQ(manifest("p#2").items(listing({"other"})).value(), names);
  EXPECT_GT(log_->records({"p.job.1.src.manifest", PartitionId{0}}).size(), 3u) << "in several records";
}

TEST_F(TopicManifestTest, AManifestThatWasCutShortDoesNotCount) {
  Names names;
  for (int i = 0; i < 30'000; ++i) names.push_back("picture " + std::to_string(i) + ".jpg");
  access_.gate->left = 2;  // killed behind two records
  EXPECT_FALSE(manifest("p#1").items(listing(names)).ok());
  access_.gate->left = 1'000'000;
  EXPECT_THAT(manifest("p#2").items(listing({"x", "y"})).value(), ElementsAre("x", "y"));
  EXPECT_THAT(manifest("p#3").items(listing({"z"})).value(), ElementsAre("x", "y"));
}

TEST_F(TopicManifestTest, OfTwoProducersThatStartAtOnceTheFirstInTheLogWins) {
  auto one = manifest("p#1"), two = manifest("p#2");
  // The second one lists while the first one has written everything.
  const auto slow = [&]() -> Result<Names> {
    EXPECT_TRUE(one.items(listing({"first"})).ok());
    return Names{"second"};
  };
  EXPECT_THAT(two.items(slow).value(), ElementsAre("first"));
}

TEST_F(TopicManifestTest, RejectedItemsAreKnownToLaterStarts) {
  auto first = manifest("p#1");
  ASSERT_TRUE(first.items(listing({"a", "b", "c"})).ok());
  EXPECT_TRUE(first.reject(1, "is empty").value());
  EXPECT_FALSE(first.reject(1, "is empty").value());
  auto second = manifest("p#2");
  ASSERT_TRUE(second.items(listing({})).ok());
  EXPECT_THAT(second.rejected(), ElementsAre(1));
  EXPECT_FALSE(second.reject(1, "is empty").value());
  EXPECT_TRUE(second.reject(2, "is a text file").value());
}

TEST_F(TopicManifestTest, AnErrorOfTheListIsPassedOnAndNothingIsNoted) {
  const auto failing = []() -> Result<Names> { return Error{ErrorCode::not_found, "no such folder", false}; };
  EXPECT_EQ(manifest("p#1").items(failing).error().message, "no such folder");
  EXPECT_THAT(manifest("p#2").items(listing({"a"})).value(), ElementsAre("a"));
}

}  // namespace
}  // namespace ride::producer
