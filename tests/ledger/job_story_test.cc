#include "ledger/job_story.h"

#include <gtest/gtest.h>

namespace ride::ledger {
namespace {

stream::Decision decided(stream::DecisionBody body) { return {"log", 1, "m", std::move(body)}; }

stream::JobSpec street() {
  stream::JobSpec spec{.job = {"street"}, .run = {3}};
  spec.stages.push_back({.name = "clean", .topic = "ride.street.3.clean"});
  return spec;
}

TEST(JobStory, FollowsAJobFromItsAcceptance) {
  JobStory story(JobName{"street"});
  ASSERT_TRUE(story.apply(decided(stream::JobAccepted{.spec = street()})));
  ASSERT_TRUE(
      story.apply(decided(stream::JobPhaseChanged{.job = {"street"}, .run = {2}, .phase = stream::JobPhase::failed})));
  EXPECT_EQ(story.phase(), stream::JobPhase::creating) << "that was another run";
  ASSERT_TRUE(
      story.apply(decided(stream::JobPhaseChanged{.job = {"street"}, .run = {3}, .phase = stream::JobPhase::running})));
  EXPECT_EQ(story.phase(), stream::JobPhase::running);
  EXPECT_EQ(story.spec(), street());
}

TEST(JobStory, KnowsAJobWhoseAcceptanceWasDeletedBehindASnapshot) {
  stream::Snapshot snapshot;
  snapshot.jobs.push_back({.spec = street(), .phase = stream::JobPhase::paused});
  JobStory story(JobName{"street"}), other(JobName{"other"});
  ASSERT_TRUE(other.apply(decided(stream::JobAccepted{.spec = {.job = {"other"}, .run = {1}}})));
  for (auto& part : stream::cut(snapshot, "s", 50)) {
    ASSERT_TRUE(story.apply(decided(part)));
    ASSERT_TRUE(other.apply(decided(part)));
  }
  EXPECT_EQ(story.spec(), street());
  EXPECT_EQ(story.phase(), stream::JobPhase::paused);
  EXPECT_EQ(other.spec(), std::nullopt) << "the snapshot says all that there is";
}

}  // namespace
}  // namespace ride::ledger
