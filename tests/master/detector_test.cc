// Who is lost by silence and who is not, as stories of a small cluster: nodes with agents, plain workers, slow logs.
#include "master/core/detector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/fmt/fmt.h>

#include <random>

#include "tests/master/simulated_cluster.h"

namespace ride::master::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

class Detector : public ::testing::Test {
 protected:
  // An agent and so many workers: "n1-agent#a", "n1-w1#a", ...
  void node(const std::string& name, int workers) {
    join(name + "-agent#a", name, ProcessKind::agent);
    for (int i = 1; i <= workers; ++i) join(fmt::format("{}-w{}#a", name, i), name);
  }
  void join(const std::string& id, const std::string& node, ProcessKind kind = ProcessKind::worker) {
    cluster.join({.id = WorkerId{id}, .kind = kind, .node = {node}});
  }
  void silence(const std::string& name, bool starved = false) {
    for (auto& [id, process] : cluster.processes)
      if (id.value == name || process.offer.node.value == name) {
        process.silent = true;
        process.starved = starved;
      }
  }
  void starve(const std::string& name) { silence(name, true); }
  void speak(const std::string& name) {
    for (auto& [id, process] : cluster.processes)
      if (id.value == name || process.offer.node.value == name) process.silent = process.starved = false;
  }
  // What was said meanwhile is kept in `said`.
  void pass(milliseconds time, milliseconds interval = 100ms) {
    for (auto left = time; left > 0ms; left -= interval) {
      const auto more = cluster.tick(interval);
      said.insert(said.end(), more.begin(), more.end());
    }
  }
  bool is_out(const std::string& id) const { return cluster.state().hard.is_out(WorkerId{id}); }
  std::size_t losses() const { return cluster.state().hard.out->ids.size(); }
  milliseconds until_lost(const std::string& id, milliseconds interval = 100ms) {
    const auto begin = cluster.now();
    while (!is_out(id) && cluster.now() - begin < 60s) pass(interval, interval);
    return std::chrono::duration_cast<milliseconds>(cluster.now() - begin);
  }
  int notified(const std::string& code) const {
    int count = 0;
    for (const auto& line : said) count += line.find(", " + code + ": ") != std::string::npos;
    return count;
  }

  SimulatedCluster cluster;
  std::vector<std::string> said;
};

// ---- slow logs

TEST_F(Detector, ADeadWorkerIsLostThoughEachTickIsLate) {
  for (const auto late : {240ms, 450ms}) {
    SCOPED_TRACE(late.count());
    const auto id = fmt::format("w{}#a", late.count());
    join(id, "n1");
    join("other#a", "n2");
    pass(5s, late);
    silence(id);
    EXPECT_LE(until_lost(id, late), 5s);
  }
}

TEST_F(Detector, AfterALogThatStoodEveryoneHasThreeSecondsHoweverLongItStood) {
  for (int i = 0; i < 5; ++i) join(fmt::format("w{}#a", i), "n1");
  pass(2s);
  for (int i = 0; i < 5; ++i) silence(fmt::format("w{}#a", i));
  pass(20s, 20s);  // one tick
  pass(2800ms);
  EXPECT_EQ(losses(), 0u);
  for (int i = 1; i < 5; ++i) speak(fmt::format("w{}#a", i));
  pass(1s);
  EXPECT_EQ(losses(), 1u) << "only who did not return";
  EXPECT_TRUE(is_out("w0#a"));
}

// ---- agents vouch

TEST_F(Detector, AChildThatItsAgentSeesRunIsNotLostBySilence) {
  node("n1", 2);
  node("n2", 1);
  pass(2s);
  starve("n1-w1#a");
  pass(4s);
  EXPECT_EQ(losses(), 0u);
  speak("n1-w1#a");
  pass(1s);
  EXPECT_EQ(losses(), 0u);
}

TEST_F(Detector, ItIsVouchedForFiveSecondsAtMost) {
  node("n1", 2);
  node("n2", 1);
  pass(2s);
  starve("n1-w1#a");
  const auto time = until_lost("n1-w1#a");
  EXPECT_GT(time, 4500ms);
  EXPECT_LE(time, 5500ms);
  EXPECT_EQ(losses(), 1u);
}

TEST_F(Detector, AStoppedChildIsLostAsFastAsOneThatNobodySees) {
  node("n1", 2);
  pass(2s);
  silence("n1-w1#a");  // SIGSTOP: its agent lists it no more
  EXPECT_LE(until_lost("n1-w1#a"), 600ms);
  EXPECT_EQ(losses(), 1u);
}

TEST_F(Detector, OnlyTheAgentOfItsNodeVouchesForAProcess) {
  node("n1", 1);
  node("n2", 1);
  join("plain#a", "n3");
  pass(2s);
  silence("n1-w1#a");
  silence("plain#a");
  for (const auto& [forger, kind, node] :
       {std::tuple{"n2-agent#a", ProcessKind::agent, "n2"}, std::tuple{"n2-w1#a", ProcessKind::worker, "n1"}}) {
    auto& offer = cluster.processes.at(WorkerId{forger}).offer;
    offer.kind = kind;
    offer.node = NodeName{node};
    offer.children = {WorkerId{"n1-w1#a"}, WorkerId{"plain#a"}};
  }
  EXPECT_LE(until_lost("n1-w1#a"), 600ms);
  EXPECT_LE(until_lost("plain#a"), 600ms);
}

TEST_F(Detector, WhatAnAgentListsTakesNoMemory) {
  node("n1", 1);
  auto& offer = cluster.processes.at(WorkerId{"n1-agent#a"}).offer;
  for (int i = 0; i < 2000; ++i) offer.children.push_back(WorkerId{fmt::format("nobody{}#1", i)});
  pass(1s);
  EXPECT_TRUE(cluster.state().soft.processes.at(WorkerId{"n1-agent#a"}).last.children.empty());
  EXPECT_EQ(cluster.state().soft.processes.size(), 2u);
}

// An agent that was killed with its children is started again: what it lists says nothing of those before.
TEST_F(Detector, TheNextIncarnationDoesNotVouchForTheOneBefore) {
  node("n1", 1);
  node("n2", 1);
  pass(2s);
  auto& offer = cluster.processes.at(WorkerId{"n1-agent#a"}).offer;
  offer.children = {WorkerId{"n1-w1#b"}};
  silence("n1-w1#a");
  EXPECT_LE(until_lost("n1-w1#a"), 700ms);
}

// Who has not spoken since the master began is known from the decisions only; its agent's word holds even so.
TEST_F(Detector, ANewMasterTakesAnAgentsWordForAChildThatItHasNotHeard) {
  node("n1", 1);
  node("n2", 1);
  stream::JobSpec spec{.job = JobName{"street"}};
  spec.stages.push_back({.name = "clean", .partitions = 2, .group = {.min = 2, .max = 2}});
  cluster.submit(spec);
  cluster.handle({TopicsOutcome{JobName{"street"}, RunNumber{1}, std::nullopt}});
  pass(2s);
  ASSERT_NE(cluster.state().hard.member(WorkerId{"n1-w1#a"}), nullptr);
  starve("n1-w1#a");
  cluster.restart_master();
  pass(3s);
  EXPECT_EQ(losses(), 0u);
}

TEST_F(Detector, AnAgentThatIsLostVouchesForNobody) {
  node("n1", 2);
  pass(2s);
  starve("n1-w1#a");
  silence("n1-agent#a");  // the other child goes on
  EXPECT_LE(until_lost("n1-agent#a"), 600ms);
  EXPECT_LE(until_lost("n1-w1#a"), 200ms);
  EXPECT_FALSE(is_out("n1-w2#a"));
}

// ---- nodes

TEST_F(Detector, ANodeThatIsSilentAsAWholeIsLostSoonerThanASingleProcess) {
  node("n1", 3);
  node("n2", 1);
  pass(2s);
  silence("n1");
  EXPECT_LE(until_lost("n1-w1#a"), 300ms);
  EXPECT_TRUE(is_out("n1-agent#a") && is_out("n1-w2#a") && is_out("n1-w3#a"));
  EXPECT_EQ(losses(), 4u);
}

TEST_F(Detector, ANodeOfManyWorkersIsOneFailure) {
  node("n1", 12);
  node("n2", 2);
  pass(2s);
  silence("n1");
  EXPECT_LE(until_lost("n1-w1#a"), 300ms);
  EXPECT_EQ(losses(), 13u);
  EXPECT_EQ(notified("many_silent"), 0);
}

TEST_F(Detector, ManyNodesAtOnceAreRatherTheNetwork) {
  for (int i = 0; i < 12; ++i) node(fmt::format("n{}", i), 1);
  pass(2s);
  for (int i = 0; i < 9; ++i) silence(fmt::format("n{}", i));
  pass(2800ms);
  EXPECT_EQ(losses(), 0u);
  EXPECT_EQ(notified("many_silent"), 1);
}

TEST_F(Detector, ASecondSilenceOfManyIsGivenAsLongAsTheFirst) {
  for (int i = 0; i < 12; ++i) node(fmt::format("n{}", i), 1);
  pass(2s);
  for (int time = 1; time <= 2; ++time) {
    for (int i = 0; i < 9; ++i) silence(fmt::format("n{}", i));
    pass(2500ms);
    EXPECT_EQ(losses(), 0u) << time;
    EXPECT_EQ(notified("many_silent"), time);
    for (int i = 0; i < 9; ++i) speak(fmt::format("n{}", i));
    pass(60s);
  }
}

TEST_F(Detector, WhoIsVouchedForHidesNobodyElsesLoss) {
  node("n1", 10);
  node("n2", 2);
  join("plain#a", "n3");
  pass(2s);
  for (int i = 1; i <= 10; ++i) starve(fmt::format("n1-w{}#a", i));
  pass(1s);
  silence("plain#a");
  EXPECT_LE(until_lost("plain#a"), 700ms);
  EXPECT_EQ(notified("many_silent"), 0);
  EXPECT_EQ(losses(), 1u);
}

// ---- names

TEST_F(Detector, WhatARivalListsTakesNoMemory) {
  node("n1", 1);
  pass(500ms);
  stream::Heartbeat forged{.id = WorkerId{"n1-agent#b"}, .kind = ProcessKind::agent, .node = NodeName{"n1"}};
  for (int i = 0; i < 2000; ++i) forged.children.push_back(WorkerId{fmt::format("nobody{}#1", i)});
  cluster.report(forged);
  ASSERT_EQ(cluster.state().soft.rivals.size(), 1u);
  EXPECT_TRUE(cluster.state().soft.rivals.begin()->second.last.children.empty());
}

// The one that has the name spoke three times beside the other, and died: the other must not be sent away.
TEST_F(Detector, WhoWaitsForTheNameOfOneThatDiedIsNotRefused) {
  join("solo#a", "n1");
  join("other#a", "n2");
  pass(3s);
  stream::Heartbeat late{.id = WorkerId{"solo#b"}, .node = NodeName{"n1"}};
  cluster.report(late);
  pass(100ms);
  cluster.report(late);
  pass(300ms);
  silence("solo#a");
  pass(200ms);
  cluster.report(late);
  pass(100ms);
  EXPECT_FALSE(is_out("solo#b"));
  for (int i = 0; i < 15; ++i) {
    cluster.report(late);
    pass(100ms);
  }
  EXPECT_TRUE(cluster.state().soft.processes.contains(WorkerId{"solo#b"})) << "it has the name now";
  EXPECT_FALSE(is_out("solo#b"));
}

TEST_F(Detector, TheOnlyNodeIsNotJudgedAsAWhole) {
  node("n1", 3);
  pass(2s);
  silence("n1");
  pass(300ms);
  EXPECT_EQ(losses(), 0u) << "nobody else is heard: it may be the log";
  EXPECT_LE(until_lost("n1-w1#a"), 300ms);
}

TEST_F(Detector, ANodeWhoseProcessesWereIrregularIsGivenMore) {
  node("n1", 2);
  node("n2", 1);
  for (int round = 0; round < 20; ++round) {  // all of it stands for 300 ms now and then
    silence("n1");
    pass(round < 2 ? 100ms : 200ms);
    speak("n1");
    pass(200ms);
  }
  EXPECT_EQ(losses(), 0u);
  silence("n1");
  pass(400ms);
  EXPECT_EQ(losses(), 0u);
  EXPECT_LE(until_lost("n1-w1#a"), 600ms);
}

// ---- accrual

TEST_F(Detector, AnIrregularProcessIsNotLostForWhatIsUsualOfItAndADeadOneIs) {
  for (int i = 0; i < 6; ++i) join(fmt::format("w{}#a", i), "n1");
  pass(2s);
  std::mt19937 random(3);
  int longest = 0;
  std::map<WorkerId, int> gap;
  for (int tick = 0; tick < 3000; ++tick) {
    // The load grows over some seconds, as load does.
    const double quiet = std::min(0.75, tick / 100.0);
    for (auto& [id, process] : cluster.processes) {
      process.silent = std::uniform_real_distribution<double>(0, 1)(random) < quiet && gap[id] < 15;
      gap[id] = process.silent ? gap[id] + 1 : 0;
      longest = std::max(longest, gap[id]);
    }
    pass(100ms);
  }
  EXPECT_GT(longest, 10) << "of 100 ms each";
  EXPECT_EQ(losses(), 0u);
  silence("w0#a");
  for (int i = 1; i < 6; ++i) speak(fmt::format("w{}#a", i));
  EXPECT_LE(until_lost("w0#a"), 4200ms) << "and it is not waited for without end";
}

TEST_F(Detector, LossTicksAreTheLeastForAll) {
  cluster.rules().ticks_to_loss = 100;
  node("n1", 2);
  node("n2", 1);
  pass(2s);
  silence("n1");
  pass(9s);
  EXPECT_EQ(losses(), 0u);
  EXPECT_LE(until_lost("n1-w1#a"), 1100ms);
  Rules rules;
  for (const auto& [given, node] : {std::pair{1, 1}, {2, 2}, {5, 2}, {10, 7}, {100, 97}}) {
    rules.ticks_to_loss = given;
    EXPECT_EQ(node_ticks(rules), node) << given;
  }
}

TEST_F(Detector, FastTicksDoNotMakeHeartbeatsFaster) {
  cluster.rules().tick_interval = 20ms;
  for (int i = 0; i < 3; ++i) join(fmt::format("w{}#a", i), "n1");
  for (int i = 0; i < 200; ++i) {
    for (auto& [id, process] : cluster.processes) process.silent = i % 5 != 0;  // one heartbeat in 100 ms
    pass(20ms, 20ms);
  }
  EXPECT_EQ(losses(), 0u);
}

// ---- words

TEST_F(Detector, AnOverloadedNodeIsToldOnceAndWhenItIsOver) {
  node("n1", 3);
  node("n2", 1);
  pass(2s);
  // Each process gets a turn in `period` ticks, longer and longer ones, all at different times.
  const auto overload = [&](int rounds, int least) {
    for (int i = 0; i < rounds; ++i) {
      const int period = std::min(8, least + i / 30);
      int phase = 0;
      for (auto& [id, process] : cluster.processes) {
        if (process.offer.node.value != "n1") continue;
        process.silent = process.starved = (i + 2 * phase++) % period != 0;
      }
      pass(100ms);
    }
    speak("n1");
  };
  overload(300, 2);
  EXPECT_EQ(notified("overloaded"), 1);
  EXPECT_TRUE(cluster.state().soft.nodes.at(NodeName{"n1"}).overload.is_on());
  pass(2s);
  overload(60, 6);
  EXPECT_EQ(notified("overloaded"), 1) << "one episode";
  EXPECT_EQ(notified("overload_over"), 0);
  pass(30s);
  EXPECT_EQ(notified("overload_over"), 1);
  EXPECT_THAT(said,
              testing::Contains(testing::HasSubstr("node n1 is overloaded: heartbeats of its 4 processes come ")));
  EXPECT_EQ(losses(), 0u);
}

TEST_F(Detector, SlowTicksAreToldOnceToo) {
  join("w1#a", "n1");  // it speaks with the ticks: its node is slow, too
  pass(2s);
  pass(40s, 400ms);
  pass(30s);
  EXPECT_EQ(notified("overloaded"), 2);
  EXPECT_EQ(notified("overload_over"), 2);
  EXPECT_THAT(said, testing::Contains(testing::HasSubstr("or Kafka, is overloaded: ticks come ")).Times(1));
  EXPECT_THAT(said, testing::Contains(testing::HasSubstr("node n1 is overloaded: ")).Times(1));
}

TEST_F(Detector, NodesOfWhichNobodyIsLeftAreForgotten) {
  for (int i = 0; i < 50; ++i) join(fmt::format("x{}#a", i), fmt::format("n{}", i));
  pass(1s);
  EXPECT_EQ(cluster.state().soft.nodes.size(), 50u);
  for (int i = 0; i < 50; ++i) silence(fmt::format("n{}", i));
  pass(10s);
  EXPECT_TRUE(cluster.state().soft.nodes.empty());
}

}  // namespace
}  // namespace ride::master::test
