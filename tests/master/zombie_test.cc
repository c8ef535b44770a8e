// What a worker says after it was declared lost.
#include <gtest/gtest.h>

#include "tests/master/simulated_cluster.h"

namespace ride::master::test {
namespace {

stream::Heartbeat worker(const std::string& id) {
  stream::Heartbeat beat;
  beat.id = WorkerId{id};
  return beat;
}

JobPhase phase(const SimulatedCluster& cluster) {
  return cluster.state().hard.find(JobName{"street"}, RunNumber{1})->phase;
}

// A worker was stopped for half a minute; its successor ACKed and the master deleted what it would have read next.
TEST(Zombies, TheJobDoesNotFailBecauseOneFindsItsRecordsDeleted) {
  SimulatedCluster cluster;
  cluster.join(worker("w1#a"));
  cluster.join(worker("w2#a"));
  stream::JobSpec spec{.job = JobName{"street"}};
  spec.stages.push_back({.name = "clean", .partitions = 2});
  cluster.submit(spec);
  cluster.handle({TopicsOutcome{JobName{"street"}, RunNumber{1}, std::nullopt}});
  const stream::Notice lost{.from = WorkerId{"w1#a"}, .code = "offset_lost", .job = "street", .fatal_for_job = true};
  cluster.report(stream::ChildExit{.child = WorkerId{"w1#a"}, .signal = 9});
  cluster.report(lost);
  EXPECT_EQ(phase(cluster), JobPhase::running);
  auto of_the_living = lost;
  of_the_living.from = WorkerId{"w2#a"};
  cluster.report(of_the_living);
  EXPECT_EQ(phase(cluster), JobPhase::failed);
}

}  // namespace
}  // namespace ride::master::test
