// A master that stands by, then leads: what it heard meanwhile counts, what it would have guessed does not.
#include <gtest/gtest.h>

#include "master/core/apply.h"
#include "master/core/decide.h"

namespace ride::master::test {
namespace {

const JobName kJob{"street"};
const RunNumber kRun{1};
const StageName kClean{"clean"};

class StandbyTest : public ::testing::Test {
 protected:
  StandbyTest() {
    decided(stream::Claim{1, "a", ""});
    stream::JobAccepted accepted{.spec = {.job = kJob, .run = kRun}};
    accepted.spec.stages.push_back({.name = "clean", .partitions = 2, .group = {.min = 2}});
    decided(accepted);
    decided(stream::JobPhaseChanged{kJob, kRun, stream::JobPhase::running, "", {}});
    for (const char* worker : {"w1#a", "w2#a"}) {
      hear(stream::Heartbeat{.id = WorkerId{worker}});
      decided(stream::JoinGroup{WorkerId{worker}, kJob, kRun, kClean, false, ""});
    }
    decided(stream::Assign{kJob, kRun, kClean, WorkerId{"w1#a"}, Epoch{1}, {{0}}, "", {}});
    decided(stream::Assign{kJob, kRun, kClean, WorkerId{"w2#a"}, Epoch{2}, {{1}}, "", {}});
  }
  void decided(stream::DecisionBody body) {
    if (const auto* claim = std::get_if<stream::Claim>(&body)) leader_ = *claim;
    EXPECT_EQ(apply(state, {"log", leader_.epoch, leader_.id, std::move(body)}), Applied::counted);
  }
  void hear(stream::ReportBody body) {
    const std::vector<Event> events{ReportRead{std::move(body), {}}};
    stand_by(state, events);
  }
  void ticks(int count) {
    for (int i = 0; i < count; ++i) hear(stream::Tick{leader_.epoch, leader_.id, i});
  }
  std::vector<stream::DecisionBody> take_over() {
    decided(stream::Claim{2, "b", ""});
    const std::vector<Event> taken{LeadershipTaken{}};
    std::vector<stream::DecisionBody> decisions;
    for (const auto& action : decide(state, taken, {}))
      if (const auto* append = std::get_if<Append>(&action))
        decisions.insert(decisions.end(), append->decisions.begin(), append->decisions.end());
    return decisions;
  }
  State state;

 private:
  stream::Claim leader_;
};

TEST_F(StandbyTest, ADeathThatAnAgentSawWhileNobodyLedIsActedUponAtOnce) {
  hear(stream::ChildExit{.child = WorkerId{"w1#a"}, .signal = 9});
  hear(stream::Heartbeat{.id = WorkerId{"w2#a"}});
  const auto decisions = take_over();
  ASSERT_GE(decisions.size(), 2u);
  const auto* out = std::get_if<stream::WorkerOut>(&decisions[0]);
  ASSERT_NE(out, nullptr);
  EXPECT_EQ(out->worker.value, "w1#a");
  EXPECT_FALSE(out->silent);
}

TEST_F(StandbyTest, WhatTheLeaderDecidedAlreadyIsNotDoneAgain) {
  hear(stream::ChildExit{.child = WorkerId{"w1#a"}, .signal = 9});
  decided(stream::WorkerOut{WorkerId{"w1#a"}, "gone", false, {}});
  ticks(1);
  for (const auto& decision : take_over()) EXPECT_FALSE(std::holds_alternative<stream::WorkerOut>(decision));
}

TEST_F(StandbyTest, SilenceThatTheLeaderForgaveIsNoLossForTheNextOne) {
  ticks(20);  // nobody spoke, and the leader, which may have given grace, declared nobody lost
  EXPECT_TRUE(take_over().empty());
  for (int i = 0; i < 4; ++i) {
    const std::vector<Event> tick{ReportRead{stream::Tick{2, "b", i}, {}}};
    EXPECT_TRUE(decide(state, tick, {}).empty());
  }
  const std::vector<Event> tick{ReportRead{stream::Tick{2, "b", 5}, {}}};
  EXPECT_FALSE(decide(state, tick, {}).empty()) << "its own ticks count";
}

TEST_F(StandbyTest, WhoIsDeposedForgetsWhatItWasAboutToDo) {
  const std::vector<Event> exit{ReportRead{stream::ChildExit{.child = WorkerId{"w1#a"}, .signal = 9}, {}}};
  ASSERT_FALSE(decide(state, exit, {}).empty());
  EXPECT_EQ(state.soft.leaving.size(), 1u);
  decided(stream::Claim{2, "b", ""});  // its decision came too late and is void
  step_down(state);
  EXPECT_TRUE(state.soft.leaving.empty());
  EXPECT_FALSE(state.soft.due.any());
}

TEST_F(StandbyTest, AFatalNoticeWaitsForTheNextLeader) {
  hear(stream::Notice{.node = NodeName{"n1"}, .text = "topic gone", .job = "street", .fatal_for_job = true});
  ticks(3);
  const auto decisions = take_over();
  ASSERT_FALSE(decisions.empty());
  const auto* changed = std::get_if<stream::JobPhaseChanged>(&decisions[0]);
  ASSERT_NE(changed, nullptr);
  EXPECT_EQ(changed->phase, stream::JobPhase::failed);
  EXPECT_EQ(changed->reason, "topic gone (node n1)");
}

}  // namespace
}  // namespace ride::master::test
