#include <gtest/gtest.h>

#include <map>

#include "chaos/plan_file.h"

namespace ride::chaos {
namespace {

using std::chrono::seconds;

TEST(Plan, IsReadFromYaml) {
  const auto outcome = read_plan("plan.yaml", R"(
ride_chaos: v1
brokers: 3
masters: 2
nodes: 4
slots: 1
calm: 2s
over: 1m
back_after: 300ms
faults:
  - { at: 10s, stop: node2, for: 3s }
  - { at: 5s, kill: worker }
  - { at: 20s, slow: node1-w1, to: 30%, for: 1500ms }
random:
  - { cut: node, times: 4, for: 1s..2s }
)");
  ASSERT_TRUE(outcome.plan) << outcome.diagnostics.front().message;
  const auto& plan = *outcome.plan;
  EXPECT_EQ(plan.brokers, 3);
  EXPECT_EQ(plan.faults[0], (Fault{seconds(10), FaultKind::stop, "node2", seconds(3), 20}));
  EXPECT_EQ(plan.faults[2], (Fault{seconds(20), FaultKind::slow, "node1-w1", milliseconds(1500), 30}));
  EXPECT_EQ(plan.random[0], (RandomFaults{FaultKind::cut, "node", 4, seconds(1), seconds(2), 20}));
  EXPECT_EQ(describe(plan.faults[2]), "slow node1-w1 to 30% for 1.5s");
}

std::string first_problem(const std::string& rest) {
  const auto text = "ride_chaos: v1\n" + rest;
  const auto outcome = read_plan("plan.yaml", text);
  EXPECT_FALSE(outcome.plan) << text;
  return outcome.diagnostics.empty() ? "" : topology::render(outcome.diagnostics, text);
}

TEST(Plan, SaysWhatIsWrongWhereAndHowToFixIt) {
  EXPECT_NE(first_problem("faults: [{ at: 1s, kil: worker }]").find("did you mean 'kill'"), std::string::npos);
  EXPECT_NE(first_problem("faults: [{ kill: worker }]").find("no time"), std::string::npos);
  EXPECT_NE(first_problem("faults: [{ at: 5, kill: worker }]").find("with its unit"), std::string::npos);
  EXPECT_NE(first_problem("faults: [{ at: 1s, stop: worker }]").find("duration"), std::string::npos);
  EXPECT_NE(first_problem("faults: [{ at: 1s, kill: worker, stop: node1 }]").find("one thing"), std::string::npos);
  EXPECT_NE(first_problem("faults: [{ at: 1s, kill: broker }]").find("brokers: 3"), std::string::npos);
  EXPECT_NE(first_problem("faults: [{ at: 1s, cut: worker, for: 1s }]").find("cut its node"), std::string::npos);
  EXPECT_NE(first_problem("random: [{ kill: worker, times: 3 }]").find("over:"), std::string::npos);
  EXPECT_NE(first_problem("nodes: 2").find("no fault"), std::string::npos);
  EXPECT_NE(first_problem("faults: 3").find("write a list"), std::string::npos);
  EXPECT_NE(read_plan("f.yaml", "").diagnostics.at(0).message.find("empty"), std::string::npos);
  EXPECT_NE(read_plan("f.yaml", "# nothing\n").diagnostics.at(0).message.find("empty"), std::string::npos);
  // Each was drawn before the first one happened: 100 GB of them, at times behind the end of all clocks.
  EXPECT_NE(first_problem("over: 1m\nrandom: [{ kill: worker, times: 2000000000 }]").find("smaller times:"),
            std::string::npos);
  EXPECT_NE(first_problem("over: 99999999999d\nrandom: [{ kill: worker, times: 9 }]").find("a hundred years"),
            std::string::npos);
  EXPECT_NE(first_problem("nodes: 2000000000\nfaults: [{ at: 1s, kill: worker }]").find("more than"),
            std::string::npos);
}

TEST(Plan, TheSameSeedDrawsTheSameSchedule) {
  Plan plan;
  plan.over = seconds(100);
  plan.random = {{.kind = FaultKind::kill, .target = "worker", .count = 30},
                 {.kind = FaultKind::stop, .target = "node", .count = 20}};
  plan.faults = {{.at = seconds(50), .kind = FaultKind::kill, .target = "master"}};
  const auto schedule = schedule_of(plan, 7);
  EXPECT_EQ(schedule, schedule_of(plan, 7));
  EXPECT_NE(schedule, schedule_of(plan, 8));
  std::map<std::string, int> count;
  auto last = milliseconds(0);
  for (const auto& fault : schedule) {
    ++count[std::string(to_string(fault.kind)) + fault.target];
    EXPECT_GE(fault.at, last);
    EXPECT_LT(fault.at, plan.over);
    last = fault.at;
    if (fault.kind == FaultKind::stop) {
      EXPECT_GE(fault.lasts, milliseconds(2000));
      EXPECT_LE(fault.lasts, milliseconds(4000));
    }
  }
  EXPECT_EQ(count, (std::map<std::string, int>{{"killmaster", 1}, {"killworker", 30}, {"stopnode", 20}}));
}

}  // namespace
}  // namespace ride::chaos
