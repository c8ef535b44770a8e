#include "chaos/core/effect.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "chaos/core/report.h"

namespace ride::chaos {
namespace {

using std::chrono::milliseconds;

SystemTime at(double ms) { return SystemTime(std::chrono::microseconds(static_cast<std::int64_t>(ms * 1000))); }

// 30 fps over three partitions; a frame arrives 10 ms after it was captured, unless `late` says otherwise.
template <class Late>
std::vector<Arrival> stream_of(double from, double to, Late late) {
  std::vector<Arrival> arrivals;
  int number = 0;
  for (double time = from; time < to; time += 1000.0 / 30, ++number) {
    const PartitionId partition{number % 3};
    arrivals.push_back({at(time), at(time + late(time, partition.value)), partition});
  }
  std::stable_sort(arrivals.begin(), arrivals.end(),
                   [](const auto& a, const auto& b) { return a.arrived < b.arrived; });
  return arrivals;
}

TEST(Effect, IsNothingWhenNothingHappens) {
  const auto arrivals = stream_of(0, 6000, [](double, int) { return 10.0; });
  const auto effect = effect_of(arrivals, at(0), at(2000), at(6000));
  EXPECT_NEAR(effect.median_before_ms, 10, 0.01);
  EXPECT_NEAR(effect.gap_ms, 0, 0.01);
  EXPECT_EQ(effect.full_rate_ms, 0);
  EXPECT_TRUE(effect.recovered);
}

// One partition of three stands still from the fault at 2000 until 3500; the others go on, on time, all the while.
TEST(Effect, WaitsForThePartitionThatIsHeldUp) {
  const auto late = [](double time, int partition) {
    return partition == 1 && time > 1990 && time < 3500 ? 3500 - time + 10 : 10.0;
  };
  const auto effect = effect_of(stream_of(0, 6000, late), at(0), at(2000), at(6000));
  EXPECT_NEAR(effect.gap_ms, 1500, 50);
  EXPECT_NEAR(effect.full_rate_ms, 1510, 40);
  EXPECT_TRUE(effect.recovered);
}

TEST(Effect, IsNotOverWhileAPartitionStaysAway) {
  auto arrivals = stream_of(0, 6000, [](double, int) { return 10.0; });
  std::erase_if(arrivals, [](const Arrival& one) { return one.partition.value == 2 && one.captured > at(2000); });
  EXPECT_FALSE(effect_of(arrivals, at(0), at(2000), at(6000)).recovered);
}

TEST(Effect, ALateFrameLongAfterwardsBelongsToSomethingElse) {
  const auto late = [](double time, int) {
    return time > 2000 && time < 2300 ? 2310 - time : time > 5000 && time < 5050 ? 200.0 : 10.0;
  };
  const auto effect = effect_of(stream_of(0, 7000, late), at(0), at(2000), at(7000));
  EXPECT_NEAR(effect.gap_ms, 300, 40);
  EXPECT_LT(effect.full_rate_ms, 320);
}

TEST(Effect, ANewFaultsFramesAreNotCountedBeforeItsTime) {
  EXPECT_FALSE(effect_of(stream_of(0, 2500, [](double, int) { return 10.0; }), at(0), at(2000), at(2500)).recovered);
}

// "at s" counts from where the plan's times count.
TEST(Report, TellsWhenAFaultStruckAsThePlanCounts) {
  const SystemTime began{std::chrono::hours(1)};
  Report report{.plan_began = began};
  report.faults = {{.fault = {.target = "worker"}, .victim = "w1", .at = began + std::chrono::seconds(5)},
                   {.fault = {.target = "worker"}, .victim = "w2", .at = began + std::chrono::seconds(15)}};
  EXPECT_EQ(to_json(report)["faults"][0]["second"], 5.0);
  EXPECT_EQ(to_json(report)["faults"][1]["second"], 15.0);
  EXPECT_NE(to_text(report).find("  1     5.0  "), std::string::npos) << to_text(report);
}

TEST(Report, AProgramThatCrashedWithoutAFaultIsNoCleanRun) {
  Report report{.crashes = {"master-1 ended by itself, by signal 11. Its log (m.log) ends with:\nassigned"}};
  EXPECT_FALSE(report.clean());
  EXPECT_EQ(to_json(report)["crashes"].size(), 1U);
  EXPECT_NE(to_text(report).find("1 program crashed without a fault:\nmaster-1 ended by itself, by signal 11"),
            std::string::npos)
      << to_text(report);
}

}  // namespace
}  // namespace ride::chaos
