#include "producer/core/rate_cap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace ride::producer {
namespace {

TimePoint at(double ms) {
  return TimePoint(std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::milli>(3'600'000 + ms)));
}

struct Taken {
  int count = 0;
  double longest_ms = 0;  // between two taken frames
};

Taken run(double device_fps, double cap_fps, double seconds, double jitter_ms = 0) {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> jitter(-jitter_ms, jitter_ms);
  RateCap cap(cap_fps);
  Taken taken;
  double last = 0;
  for (int i = 0; i < seconds * device_fps; ++i) {
    const double ms = i * 1000 / device_fps + jitter(random);
    if (!cap.admit(at(ms))) continue;
    if (taken.count > 0) taken.longest_ms = std::max(taken.longest_ms, ms - last);
    last = ms;
    ++taken.count;
  }
  return taken;
}

TEST(RateCap, TakesAllFramesOfADeviceThatIsNotFaster) {
  EXPECT_EQ(run(30, 30, 60).count, 1800);
  EXPECT_EQ(run(29.97, 30, 60).count, 1799);
  EXPECT_EQ(run(25, 30, 60).count, 1500);
  EXPECT_EQ(run(30, 0, 60).count, 1800);
}

TEST(RateCap, JitterAtTheWantedRateCostsNoFrame) { EXPECT_GE(run(30, 30, 60, 6).count, 1795); }

// ffmpeg makes 30 fps of a 10 fps film by sending each picture three times at once.
TEST(RateCap, BurstsAtTheWantedRateCostNoFrame) {
  RateCap cap(30);
  int taken = 0;
  for (int burst = 0; burst < 600; ++burst)
    for (int i = 0; i < 3; ++i) taken += cap.admit(at(burst * 100 + i * 0.5)) ? 1 : 0;
  EXPECT_EQ(taken, 1800);
}

TEST(RateCap, ReachesTheWantedRateForAnyRatio) {
  struct Row {
    double device, cap;
  };
  for (const Row& row :
       std::vector<Row>{{30, 10}, {30, 15}, {30, 20}, {30, 24}, {30, 29}, {60, 25}, {50, 30}, {25, 1}, {120, 7}}) {
    const Taken taken = run(row.device, row.cap, 60, 3);
    EXPECT_NEAR(taken.count, 60 * row.cap, 60 * row.cap * 0.02 + 1) << row.device << " -> " << row.cap;
    // Evenly: no hole longer than the wanted period and a device period, with jitter.
    EXPECT_LT(taken.longest_ms, 1000 / row.cap + 1000 / row.device + 12) << row.device << " -> " << row.cap;
  }
}

TEST(RateCap, OfAnOutageOnlyAMomentIsMadeUpFor) {
  RateCap cap(10);
  EXPECT_TRUE(cap.admit(at(0)));
  int taken = 0;
  for (double ms = 30'000; ms < 31'000; ms += 10) taken += cap.admit(at(ms)) ? 1 : 0;
  EXPECT_LE(taken, 13);
  EXPECT_GE(taken, 10);
}

}  // namespace
}  // namespace ride::producer
