// Partitions that move to even out the load, while the speeds of workers go up and down as they do on a busy machine:
// none goes back at once.
#include <gtest/gtest.h>
#include <spdlog/fmt/fmt.h>

#include <random>

#include "tests/master/simulated_cluster.h"

namespace ride::master::test {
namespace {

using namespace std::chrono_literals;

const StageKey kClean{{"street"}, {1}, {"clean"}};

class Balance : public ::testing::Test {
 protected:
  void begin(int workers, int partitions) {
    for (int i = 0; i < workers; ++i) cluster.join({.id = worker(i), .node = {fmt::format("n{}", i)}});
    stream::JobSpec spec{.job = {"street"}};
    spec.stages.push_back({.name = "clean", .partitions = partitions, .group = {.min = workers, .max = workers}});
    cluster.submit(spec);
    cluster.handle({TopicsOutcome{{"street"}, {1}, {}}});
    tick(5);
  }
  static WorkerId worker(int i) { return WorkerId{fmt::format("w{}#a", i)}; }

  // Who is asked hands back within a tick.
  void tick(int count) {
    for (int i = 0; i < count; ++i) {
      cluster.tick();
      for (auto at = seen; at < cluster.log().size(); ++at) note(cluster.log()[at].body);
      seen = cluster.log().size();
      for (const auto& [id, process] : cluster.processes) cluster.release(id);
    }
  }
  void note(const stream::DecisionBody& body) {
    if (const auto* asked = std::get_if<stream::Releasing>(&body)) {
      ++moves;
      for (const auto partition : asked->partitions) from[partition] = asked->worker;
      const auto got = got_at.find(asked->worker);
      if (got != got_at.end() &&
          cluster.now() - got->second < 4500ms)  // the rest of 5 s counts from the decision, a moment earlier
        flaps.push_back(fmt::format("{} got one and gives one {} ms later: {}", asked->worker.value,
                                    (cluster.now() - got->second) / 1ms, asked->reason));
    }
    if (const auto* given = std::get_if<stream::Assign>(&body))
      for (const auto partition : given->partitions)
        if (from.erase(partition) > 0) got_at[given->worker] = cluster.now();
  }

  SimulatedCluster cluster;
  std::size_t seen = 0;
  std::map<PartitionId, WorkerId> from;
  std::map<WorkerId, SystemTime> got_at;
  std::vector<std::string> flaps;
  int moves = 0;
};

TEST_F(Balance, WhoGotAPartitionDoesNotGiveOneAtOnce) {
  begin(4, 9);
  std::mt19937 random(7);
  for (int second = 0; second < 120; ++second) {
    for (int i = 0; i < 4; ++i)
      cluster.load.set_speed(worker(i), 5.0 * std::uniform_real_distribution<double>(0.4, 1.6)(random));
    cluster.load.set_arrival(kClean, std::uniform_real_distribution<double>(10, 20)(random));
    tick(10);
  }
  EXPECT_GE(moves, 3) << "speeds differ: some must move";
  EXPECT_TRUE(flaps.empty()) << flaps.size() << " of " << moves << ", the first: " << flaps.front();
}

TEST_F(Balance, ANewcomerWhoseSpeedNobodyKnowsGetsItsShare) {
  begin(3, 9);
  for (int i = 0; i < 3; ++i) cluster.load.set_speed(worker(i), 5);
  cluster.load.set_arrival(kClean, 9);
  tick(100);
  cluster.processes.erase(worker(2));
  cluster.report(stream::ChildExit{.child = worker(2), .signal = 9});
  tick(20);
  cluster.join({.id = worker(3), .node = {"n3"}});  // it has not worked yet
  const auto owned = [&] {
    const auto& partitions = cluster.state().hard.find(kClean)->partitions;
    return std::count_if(partitions.begin(), partitions.end(), [](const auto& one) { return one.owner == worker(3); });
  };
  for (int i = 0; i < 200 && owned() == 0; ++i) tick(1);
  EXPECT_GE(owned(), 2) << "like the others";
}

}  // namespace
}  // namespace ride::master::test
