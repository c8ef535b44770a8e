// One decision step at the size that RIDE is made for: 1,000 workers and 10,000 partitions. The bound is far above what
// an idle machine needs (it is printed), so that it fails for a wrong algorithm, not for a busy machine.
#include <gtest/gtest.h>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <chrono>

#include "master/core/apply.h"
#include "master/core/decide.h"

namespace ride::master::test {
namespace {

using std::chrono::steady_clock;

constexpr int kWorkers = 1000, kStages = 10, kPartitions = 1000;

class BigCluster {
 public:
  BigCluster() {
    write(stream::Claim{1, "m", ""});
    stream::JobSpec spec{.job = {"big"}, .run = {1}};
    for (int s = 0; s < kStages; ++s) {
      stream::StageSpec stage{.name = fmt::format("stage{}", s), .partitions = kPartitions};
      stage.group.min = kWorkers / kStages - 2;
      stage.group.spares = 2;
      spec.stages.push_back(stage);
    }
    std::vector<Event> joins;
    for (int w = 0; w < kWorkers; ++w) joins.emplace_back(ReportRead{offer(w), now_});
    handle(joins);
    handle({SubmitRequest{1, spec, ""}});
    filled_in = handle({TopicsOutcome{{"big"}, {1}, {}}}).count();
  }

  static stream::Heartbeat offer(int w) {
    return {.id = WorkerId{fmt::format("worker-{:04}#0123456789abcdef", w)},
            .node = NodeName{fmt::format("n{}", w % 100)}};
  }

  stream::Heartbeat beat(int w) const {
    auto beat = offer(w);
    const auto* member = state.hard.member(beat.id);
    if (member == nullptr) return beat;
    beat.warm = true;
    beat.group = "big/" + member->stage.stage.value;
    const auto& partitions = state.hard.find(member->stage)->partitions;
    for (int p = 0; p < kPartitions; ++p)
      if (partitions[static_cast<std::size_t>(p)].owner == beat.id)
        beat.partitions.push_back({.job = {"big"},
                                   .run = {1},
                                   .stage = member->stage.stage,
                                   .partition = {p},
                                   .epoch = partitions[static_cast<std::size_t>(p)].epoch});
    return beat;
  }

  void write(const stream::DecisionBody& body) { apply(state, {"log", 1, "m", body}); }

  // Time inside decide() only.
  std::chrono::duration<double, std::milli> handle(const std::vector<Event>& events) {
    const auto begin = steady_clock::now();
    const auto actions = decide(state, events, now_);
    const auto took = steady_clock::now() - begin;
    for (const auto& action : actions)
      if (const auto* append = std::get_if<Append>(&action))
        for (const auto& decision : append->decisions) write(decision);
    return took;
  }

  State state;
  double filled_in = 0;  // ms

 private:
  SystemTime now_{std::chrono::seconds(1'800'000'000)};
};

TEST(Scale, AThousandWorkersAndTenThousandPartitions) {
  BigCluster cluster;
  for (int s = 0; s < kStages; ++s)
    for (const auto& partition : cluster.state.hard.find({{"big"}, {1}, {fmt::format("stage{}", s)}})->partitions)
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
