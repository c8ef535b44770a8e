// Real processes: workers are killed with SIGKILL and their group is set to another size in the same second, in either
// order, again and again. No frame may be lost, none may count twice. RIDE_FAULT_SEED replays a seed.
#include <gtest/gtest.h>
#include <signal.h>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <random>
#include <thread>

#include "bench/job_group.h"
#include "bench/local_cluster.h"
#include "chaos/recorder.h"
#include "common/log.h"
#include "tests/support/test_seed.h"

namespace ride::chaos {
namespace {

using namespace std::chrono_literals;
using bench::LocalCluster;

constexpr const char* kTopology = R"(
ride: v1
name: sway
sources:
  cam: { synthetic: { width: 160, height: 120, channels: 1 }, fps: 60, codec: raw }
stages:
  - { name: work, from: [cam], topic: { partitions: 8 }, task: delay, params: { ms: 20 }, group: { min: 2, max: 5, spares: 1 } }
  - { name: edges, from: [work], topic: { partitions: 3 }, task: canny, group: { min: 1, max: 1 }, output: { topic: sway-out, partitions: 3 } }
)";
constexpr int kWorkers = 7;  // of the node: five, a spare, and one for the edges
constexpr int kRounds = 8;

std::uint64_t seed() { return test::test_seed("RIDE_FAULT_SEED", 20261121); }

class RescaleFault : public ::testing::Test {
 protected:
  void SetUp() override {
    init_logging("rescale-fault", LogLevel::error);
    auto cluster = LocalCluster::start({.brokers = 1, .quick_start = true});
    ASSERT_TRUE(cluster.ok()) << cluster.error().message;
    cluster_ = std::move(cluster).value();
    ASSERT_TRUE(cluster_->run_master().ok());
    ASSERT_TRUE(
        cluster_
            ->run("ride-agent", {"--brokers", cluster_->brokers(), "--node", "n", "--slots", std::to_string(kWorkers)})
            .ok());
    const auto submitted = cluster_->submit(kTopology);
    ASSERT_TRUE(submitted.ok()) << submitted.error().message;
    ASSERT_TRUE(cluster_->wait_for_phase("sway", "running", 120s).ok());
    auto recorder = Recorder::start(cluster_->kafka(), "ride", JobName{"sway"}, 60s);
    ASSERT_TRUE(recorder.ok()) << recorder.error().message;
    recorder_ = std::move(recorder).value();
  }

  Result<void> scale(int workers) { return cluster_->post("/jobs/sway/stages/work/scale", {{"workers", workers}}); }

  // The owners of the stage's partitions, where every partition has one: so many.
  std::optional<bench::JobGroup> group_of(std::size_t workers) {
    auto group = bench::read_group(*cluster_, "sway", "work");
    if (!group.ok() || group->actives.size() != workers) return std::nullopt;
    // The group and the list of workers are asked for one after the other: one may have been lost in between.
    for (const auto& id : group->actives)
      if (!group->workers.contains(id)) return std::nullopt;
    std::set<std::string> owners;
    for (const auto& [partition, owner] : group->owners) owners.insert(owner);
    return owners == group->actives ? std::optional(*group) : std::nullopt;
  }

  std::unique_ptr<LocalCluster> cluster_;
  std::unique_ptr<Recorder> recorder_;
};

TEST_F(RescaleFault, KilledAndRescaledInTheSameSecondNothingIsLostAndNothingCountsTwice) {
  std::mt19937_64 random(seed());
  std::cout << "seed " << seed() << ": RIDE_FAULT_SEED replays it" << std::endl;
  int size = 2, killed = 0;
  ASSERT_TRUE(scale(size).ok());
  for (int round = 0; round < kRounds; ++round) {
    std::optional<bench::JobGroup> group;
    ASSERT_TRUE(bench::wait_until(60s, [&] { return (group = group_of(static_cast<std::size_t>(size))).has_value(); }))
        << "round " << round << ": the group did not reach " << size;
    const auto since = system_now();
    ASSERT_TRUE(bench::wait_until(20s, [&] { return recorder_->arrivals_since(since).size() > 60; }))
        << "round " << round << ": no frames";
    const int wanted = 2 + (size - 2 + 1 + static_cast<int>(random() % 3)) % 4;  // another one of 2 to 5
    std::vector<std::string> victims(group->actives.begin(), group->actives.end());
    std::shuffle(victims.begin(), victims.end(), random);
    victims.resize(1 + random() % 2);
    const auto apart = std::chrono::milliseconds(random() % 300);
    const bool scale_first = round % 2 == 0;
    std::cout << fmt::format("round {}: {} → {}, {} killed {} ms {}", round, size, wanted, victims.size(),
                             apart.count(), scale_first ? "after" : "before")
              << std::endl;
    if (scale_first) {
      ASSERT_TRUE(scale(wanted).ok());
      std::this_thread::sleep_for(apart);
    }
    for (const auto& victim : victims) killed += ::kill(group->workers.at(victim).pid, SIGKILL) == 0;
    if (!scale_first) {
      std::this_thread::sleep_for(apart);
      ASSERT_TRUE(scale(wanted).ok());
    }
    size = wanted;
  }
  ASSERT_TRUE(bench::wait_until(60s, [&] { return group_of(static_cast<std::size_t>(size)).has_value(); }));
  EXPECT_GE(killed, kRounds);
  ASSERT_EQ(recorder_->failed(), std::nullopt);
  const auto drained = cluster_->drain("sway");
  ASSERT_TRUE(drained.ok()) << drained.error().message;
  const auto statement = recorder_->finish(20s);
  ASSERT_TRUE(statement.ok()) << statement.error().message;
  std::cout << to_text(*statement);
  EXPECT_GT(statement->sent, kRounds * 60);
  EXPECT_TRUE(statement->clean());
  // Each partition of each epoch had one owner.
  std::map<std::pair<std::string, int>, Epoch> epochs;
  for (const auto& seen : recorder_->decisions_since({}))
    if (const auto* assign = std::get_if<stream::Assign>(&seen.decision.body))
      for (const auto partition : assign->partitions) {
        auto& last = epochs[{assign->stage.value, partition.value}];
        EXPECT_GT(assign->epoch, last);
        last = assign->epoch;
      }
}

}  // namespace
}  // namespace ride::chaos
