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

TEST(TapTarget, FindsTheTopicOfOthersThatAStageReads) {
  const AdoptedTopics adopted = {{"street/signs", {"plates", {"raw", "900x900x1", "8u"}}}};
  EXPECT_EQ(*find_topic("street/signs", "ride", kTopics, adopted), "plates");
  const auto meant = find_topic("street/sings", "ride", kTopics, adopted);
  ASSERT_FALSE(meant.ok());
  EXPECT_THAT(meant.error().message, HasSubstr("did you mean 'street/signs'?"));
  EXPECT_THAT(find_topic("x", "other", {}, adopted).error().message, HasSubstr("Stages with topics: street/signs"));
}

stream::Decision decision_of(stream::DecisionBody body) {
  return {.log = "l", .epoch = 1, .leader = "m", .body = std::move(body)};
}

stream::JobSpec job_with(const std::string& job, const std::vector<stream::StageSpec>& stages) {
  return {.job = JobName{job}, .stages = stages};
}

TEST(AdoptedStages, AreThoseOfEachJobsLatestRun) {
  const stream::StageSpec foreign{.name = "signs", .topic = "plates", .adopt = stream::AdoptSpec{"jpeg", "", ""}};
  const stream::StageSpec own{.name = "people", .topic = "ride.street.1.people"};
  AdoptedStages stages;
  ASSERT_TRUE(stages.apply(decision_of(stream::Claim{.epoch = 1, .id = "m"})).ok());
  ASSERT_TRUE(stages.apply(decision_of(stream::JobAccepted{.spec = job_with("street", {foreign, own})})).ok());
  ASSERT_TRUE(stages.apply(decision_of(stream::JobAccepted{.spec = job_with("yard", {foreign})})).ok());
  const AdoptedTopic plates{"plates", {"jpeg", "", ""}};
  EXPECT_EQ(stages.all(), (AdoptedTopics{{"street/signs", plates}, {"yard/signs", plates}}));
  ASSERT_TRUE(stages.apply(decision_of(stream::JobAccepted{.spec = job_with("street", {own})})).ok());
  EXPECT_EQ(stages.all(), (AdoptedTopics{{"yard/signs", plates}}));
}

TEST(AdoptedStages, AreKnownFromASnapshot) {
  const stream::StageSpec foreign{.name = "signs", .topic = "plates", .adopt = stream::AdoptSpec{"jpeg", "", ""}};
  stream::Snapshot snapshot;
  snapshot.jobs.push_back({.spec = job_with("street", {foreign})});
  AdoptedStages stages;
  for (auto& part : stream::cut(snapshot, "s1", 100)) ASSERT_TRUE(stages.apply(decision_of(part)).ok());
  EXPECT_TRUE(stages.all().contains("street/signs"));
}

TEST(TapTarget, SuggestsWhatWasMeant) {
  const auto topic = find_topic("street/poeple", "ride", kTopics);
  ASSERT_FALSE(topic.ok());
  EXPECT_EQ(topic.error().code, ErrorCode::not_found);
  EXPECT_THAT(topic.error().message, HasSubstr("did you mean 'street/people'?"));
  EXPECT_THAT(find_topic("x", "other", {}).error().message, HasSubstr("holds no job's topics"));
}

}  // namespace
}  // namespace ride::cli
