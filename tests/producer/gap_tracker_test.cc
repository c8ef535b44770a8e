#include "producer/core/gap_tracker.h"

#include <gtest/gtest.h>

namespace ride::producer {
namespace {

TimePoint at(int ms) { return TimePoint(std::chrono::milliseconds(1'000'000 + ms)); }

TEST(GapTracker, MeasuresAGapFromTheLastFrameToTheFirstOneBehindIt) {
  GapTracker tracker;
  EXPECT_FALSE(tracker.frame(at(0)));
  EXPECT_FALSE(tracker.frame(at(33)));
  tracker.lost();
  tracker.lost();  // every attempt to reconnect fails again
  EXPECT_EQ(tracker.frame(at(5033)), std::chrono::seconds(5));
  EXPECT_FALSE(tracker.frame(at(5066)));
  tracker.lost();
  EXPECT_EQ(tracker.frame(at(6066)), std::chrono::seconds(1));
  EXPECT_EQ(tracker.gaps(), 2);
  EXPECT_EQ(tracker.longest(), std::chrono::seconds(5));
}

TEST(GapTracker, AFailureBeforeTheFirstFrameIsNoGap) {
  GapTracker tracker;
  tracker.lost();
  EXPECT_FALSE(tracker.frame(at(0)));
  EXPECT_EQ(tracker.gaps(), 0);
}

}  // namespace
}  // namespace ride::producer
