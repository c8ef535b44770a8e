#include "producer/core/rate_meter.h"

#include <gtest/gtest.h>

namespace ride::producer {
namespace {

TimePoint at(double ms) {
  return TimePoint(std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::milli>(3'600'000 + ms)));
}

TEST(RateMeter, TellsASteadyRateSoonAndForLong) {
  RateMeter meter;
  EXPECT_EQ(meter.per_second(at(0)), 0);
  for (int i = 0; i < 600; ++i) {
    meter.count(at(i * 1000.0 / 30));
    if (i >= 30) {
      ASSERT_NEAR(meter.per_second(at(i * 1000.0 / 30)), 30, 1.5) << i;
    }
  }
}

// A writer's first frames wait for the brokers and are acknowledged together: no rate is computed from an instant.
TEST(RateMeter, ABurstAtTheBeginningIsNoRate) {
  RateMeter meter;
  meter.count(at(0));
  EXPECT_LE(meter.per_second(at(600)), 30);
  for (int i = 0; i < 18; ++i) meter.count(at(610));
  for (int i = 0; i < 300; ++i) {
    const double now = 633 + i * 33.3;
    meter.count(at(now));
    ASSERT_LE(meter.per_second(at(now)), 48) << now;
  }
}

TEST(RateMeter, FallsToZeroWithinItsWindow) {
  RateMeter meter;
  for (int i = 0; i < 300; ++i) meter.count(at(i * 33.3));
  EXPECT_LT(meter.per_second(at(300 * 33.3 + 2000)), 20);
  EXPECT_EQ(meter.per_second(at(300 * 33.3 + 4300)), 0);
}

}  // namespace
}  // namespace ride::producer
