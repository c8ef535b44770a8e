#include "cli/core/tap_target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ride::cli {
namespace {

using ::testing::HasSubstr;

const std::vector<std::string> kTopics = {"ride.decisions",       "ride.street.2.people", "ride.street.10.people",
                                          "ride.street.10.boxes", "ride.st.reet.3.a.b",   "plates"};

TEST(TapTarget, TakesATopicByItsName) { EXPECT_EQ(*find_topic("plates", "ride", kTopics), "plates"); }

TEST(TapTarget, FindsAStageInTheLatestRun) {
  EXPECT_EQ(*find_topic("street/people", "ride", kTopics), "ride.street.10.people");
}

TEST(TapTarget, BearsDotsInTheNames) { EXPECT_EQ(*find_topic("st.reet/a.b", "ride", kTopics), "ride.st.reet.3.a.b"); }

TEST(TapTarget, SuggestsWhatWasMeant) {
  const auto topic = find_topic("street/poeple", "ride", kTopics);
  ASSERT_FALSE(topic.ok());
  EXPECT_EQ(topic.error().code, ErrorCode::not_found);
  EXPECT_THAT(topic.error().message, HasSubstr("did you mean 'street/people'?"));
  EXPECT_THAT(find_topic("x", "other", {}).error().message, HasSubstr("holds no job's topics"));
}

}  // namespace
}  // namespace ride::cli
