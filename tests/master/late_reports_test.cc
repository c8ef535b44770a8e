// Reports that come late, or from somebody whom the matter does not concern any more: they change nothing.
#include <gtest/gtest.h>

#include "master/core/totals.h"
#include "master/core/unreported.h"
#include "tests/master/simulated_cluster.h"

namespace ride::master::test {
namespace {

const JobName kJob{"street"};
const RunNumber kRun{1};
const StageKey kClean{kJob, kRun, {"clean"}};
const WorkerId kW1{"w1#a"}, kW2{"w2#a"}, kW3{"w3#a"}, kP1{"p1#a"}, kP2{"p2#a"};

// A camera, and a stage of 4 partitions for two workers. w1 comes first and owns all of them.
class LateReports : public ::testing::Test {
 protected:
  LateReports() {
    cluster.join({.id = kW1, .node = {"n1"}});
    cluster.join({.id = kP1, .kind = ProcessKind::producer, .node = {"n1"}});
    stream::JobSpec spec{.job = kJob};
    spec.sources.push_back({.name = "gate", .kind = "camera"});
    spec.stages.push_back({.name = "clean",
                           .partitions = 4,
                           .upstreams = {{.name = "gate", .is_source = true}},
                           .group = {.min = 2, .max = 2}});
    cluster.submit(spec);
    cluster.handle({TopicsOutcome{kJob, kRun, {}}});
    tick(20);
    EXPECT_EQ(owners(), (std::vector<WorkerId>{kW1, kW1, kW1, kW1}));
  }
  void tick(int count) {
    for (int i = 0; i < count; ++i) cluster.tick();
  }
  void join(const WorkerId& worker) {
    cluster.join({.id = worker, .node = {"n1"}});
    tick(3);
  }
  void dies(const WorkerId& process) {
    cluster.processes.erase(process);
    cluster.report(stream::ChildExit{.child = process, .signal = 9});
  }
  void released(const WorkerId& worker, std::vector<PartitionId> partitions) {
    cluster.report(stream::Released{kJob, kRun, {"clean"}, worker, std::move(partitions)});
    tick(3);
  }
  const Stage& stage() const { return *cluster.state().hard.find(kClean); }
  std::vector<WorkerId> owners() const {
    std::vector<WorkerId> all;
    for (const auto& partition : stage().partitions) all.push_back(partition.owner);
    return all;
  }
  const StageReports& reports() const { return cluster.state().soft.stages.at(kClean); }
  std::int64_t frames() const { return frames_of(cluster.state(), *cluster.state().hard.jobs.at(kJob), "gate"); }
  void captured(const WorkerId& producer, SessionId session, std::int64_t frames) {
    stream::Heartbeat beat{.id = producer, .kind = ProcessKind::producer, .node = {"n1"}};
    beat.sources = {{.job = kJob, .run = kRun, .source = "gate", .session = session, .frames = frames}};
    cluster.report(beat);
  }

  SimulatedCluster cluster;
};

TEST_F(LateReports, AHandOverThatNobodyAskedForFreesNothingLater) {
  released(kW1, {{0}, {1}, {2}, {3}});
  EXPECT_EQ(owners(), (std::vector<WorkerId>{kW1, kW1, kW1, kW1}));
  join(kW2);
  ASSERT_EQ(stage().releasing, 2) << "now it is asked, and has not answered";
  EXPECT_EQ(owners(), (std::vector<WorkerId>{kW1, kW1, kW1, kW1}));
  cluster.release(kW1);
  EXPECT_EQ(owners(), (std::vector<WorkerId>{kW1, kW1, kW2, kW2}));
}

// w1 was stopped while it was asked, and declared lost. When it goes on, its successor has been asked in its turn.
TEST_F(LateReports, AHandOverByAnEarlierOwnerDoesNotFreeThePresentOnes) {
  join(kW2);
  ASSERT_EQ(stage().releasing, 2);
  dies(kW1);
  ASSERT_EQ(owners(), (std::vector<WorkerId>{kW2, kW2, kW2, kW2}));
  join(kW3);
  ASSERT_EQ(stage().releasing, 2);
  released(kW1, {{0}, {1}, {2}, {3}});
  released(kW3, {{0}, {1}, {2}, {3}});
  EXPECT_EQ(owners(), (std::vector<WorkerId>{kW2, kW2, kW2, kW2})) << "w2 still works on them";
  cluster.release(kW2);
  EXPECT_EQ(owners(), (std::vector<WorkerId>{kW2, kW2, kW3, kW3}));
}

// w1 had partition 2, gave it away and has it again: what it said of it before is about another time.
TEST_F(LateReports, ProgressOfAnEarlierEpochOfTheSameOwnerDoesNotCount) {
  const auto said_before = [&] {
    stream::Heartbeat beat{.id = kW1, .node = {"n1"}};
    beat.partitions = {{.job = kJob,
                        .run = kRun,
                        .stage = {"clean"},
                        .partition = {2},
                        .epoch = stage().partitions[2].epoch,
                        .committed = 7,
                        .end = 9}};
    beat.partitions[0].ended = true;
    return beat;
  }();
  join(kW2);
  cluster.release(kW1);
  ASSERT_EQ(owners()[2], kW2);
  dies(kW2);
  ASSERT_EQ(owners()[2], kW1);
  cluster.report(said_before);
  EXPECT_EQ(reports().ended, 0) << "the end of an earlier time would complete the job";
  EXPECT_LT(reports().partitions[2].end, 0);
  auto now = said_before;
  now.partitions[0].epoch = stage().partitions[2].epoch;
  cluster.report(now);
  EXPECT_EQ(reports().ended, 1);
  EXPECT_EQ(reports().partitions[2].end, 9);
}

// Kafka is asked about a partition whose owner has not told yet, whatever the owner before it told.
TEST_F(LateReports, TheWordOfAnEarlierOwnerIsNotThePresentOnes) {
  stream::Heartbeat beat{.id = kW1, .node = {"n1"}};
  for (int p = 0; p < 4; ++p)
    beat.partitions.push_back({.job = kJob,
                               .run = kRun,
                               .stage = {"clean"},
                               .partition = {p},
                               .epoch = stage().partitions[0].epoch,
                               .committed = 7,
                               .end = 9});
  cluster.report(beat);
  EXPECT_TRUE(unreported_partitions(cluster.state(), 10).empty());
  cluster.join({.id = kW2, .node = {"n1"}});
  cluster.tick();
  cluster.tick();
  cluster.release(kW1);
  ASSERT_EQ(owners(), (std::vector<WorkerId>{kW1, kW1, kW2, kW2}));
  const auto unreported = unreported_partitions(cluster.state(), 10);
  ASSERT_EQ(unreported.size(), 2U);
  EXPECT_EQ(unreported[0].partition, PartitionId{2});
  cluster.handle({LogsMeasured{{{kClean, {2}, Offset{8}, Offset{40}}}}});
  EXPECT_EQ(latest(reports(), 2)->end, 40);
}

// It cannot know yet that another one leads.
TEST_F(LateReports, TicksOfADeposedLeaderAreNoTime) {
  cluster.restart_master();
  for (const auto& id : {kW1, kP1}) cluster.beat(id);
  const auto ticks = cluster.state().soft.ticks;
  const auto& leader = cluster.state().hard.standing;
  for (int i = 0; i < 50; ++i) {
    cluster.report(stream::Tick{leader.epoch() - 1, "m1", 100 + i});
    cluster.report(stream::Tick{leader.epoch(), "m1", 100 + i});
    cluster.report(stream::Tick{leader.epoch() - 1, leader.leader(), 100 + i});
  }
  EXPECT_EQ(cluster.state().soft.ticks, ticks);
  EXPECT_TRUE(cluster.state().hard.out->ids.empty()) << "silent for 150 ticks, of which none counts";
  cluster.report(stream::Tick{leader.epoch(), leader.leader(), 101});
  EXPECT_EQ(cluster.state().soft.ticks, ticks + 1);
}

TEST_F(LateReports, OnlyItsProducerAndItsSessionCountForASource) {
  const auto& source = cluster.state().hard.find(kJob, kRun)->sources.at("gate");
  ASSERT_EQ(source.producer, kP1);
  cluster.join({.id = kP2, .kind = ProcessKind::producer, .node = {"n1"}});
  captured(kP1, source.session, 1000);
  captured(kP2, source.session, 5000);
  EXPECT_EQ(frames(), 1000) << "p2 does not feed it";
  dies(kP1);
  ASSERT_EQ(source.producer, kP2);
  ASSERT_EQ(source.session, SessionId{2});
  captured(kP2, SessionId{1}, 7000);
  EXPECT_EQ(frames(), 1000) << "p2 writes in session 2";
  captured(kP2, SessionId{2}, 20);
  EXPECT_EQ(frames(), 1020) << "after those of the session before, which p2 has not looked up yet";
}

}  // namespace
}  // namespace ride::master::test
