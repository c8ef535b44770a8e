// One decision step at the size that RIDE is made for: 1,000 workers and 10,000 partitions. The bound is far above what
// an idle machine needs (it is printed), so that it fails for a wrong algorithm, not for a busy machine.
#include <gtest/gtest.h>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <chrono>

#include "bench/big_cluster.h"

namespace ride::master::test {
namespace {

using bench::BigCluster;
using std::chrono::steady_clock;

constexpr int kWorkers = 1000, kStages = 10;

TEST(Scale, AThousandWorkersAndTenThousandPartitions) {
  BigCluster cluster;
  for (int s = 0; s < kStages; ++s)
    for (const auto& partition : cluster.state.hard.find(cluster.stage(s))->partitions)
      ASSERT_FALSE(partition.owner.value.empty());

  std::vector<Event> beats;
  for (int w = 0; w < kWorkers; ++w) beats.emplace_back(ReportRead{cluster.beat(w), {}});
  cluster.handle(beats);  // all are warm now
  const auto begin = steady_clock::now();
  for (int round = 0; round < 5; ++round)
    for (const auto& beat : beats) cluster.handle({beat});
  const double beats_per_second = 5.0 * kWorkers / std::chrono::duration<double>(steady_clock::now() - begin).count();

  std::vector<double> losses;
  for (int w = 0; w < 20; ++w)
    losses.push_back(
        cluster.handle({ReportRead{stream::ChildExit{.child = BigCluster::offer(w * 37).id, .signal = 9}, {}}})
            .count());
  std::sort(losses.begin(), losses.end());
  fmt::print(
      "heartbeats of 10 partitions: {:.0f} per second; a loss: {:.2f} ms median, {:.2f} ms at most; "
      "the first plan: {:.0f} ms\n",
      beats_per_second, losses[losses.size() / 2], losses.back(), cluster.filled_in);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(losses[losses.size() / 2], 250);
  EXPECT_GT(beats_per_second, 3000);
#endif
  EXPECT_EQ(find_violation(cluster.state.hard), std::nullopt);
}

}  // namespace
}  // namespace ride::master::test
