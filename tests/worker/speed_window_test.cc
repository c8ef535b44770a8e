#include "worker/core/speed_window.h"

#include <gtest/gtest.h>

namespace ride::worker {
namespace {

SpeedWindow::TimePoint at(int ms) { return SpeedWindow::TimePoint(std::chrono::milliseconds(1'000'000 + ms)); }

// 30 frames a second that arrive 20 at once, looked at with every heartbeat.
TEST(SpeedWindow, ASteadyRateThatComesInBurstsReadsSteady) {
  SpeedWindow window;
  for (int ms = 0; ms <= 20'000; ms += 100) {
    const std::int64_t frames = ms * 30 / 1000 / 20 * 20;
    window.look(at(ms), frames, static_cast<double>(frames) * 0.02);
    if (ms < 5000) continue;
    EXPECT_NEAR(window.frames_per_second(), 30, 5) << ms;
    EXPECT_NEAR(window.busy_fraction(), 0.6, 0.1) << ms;
    EXPECT_NEAR(window.service_rate(), 50, 0.5);
  }
}

TEST(SpeedWindow, ABurstAtTheBeginningIsNoRate) {
  SpeedWindow window;
  window.look(at(0), 0, 0);
  window.look(at(100), 18, 0.1);
  EXPECT_LE(window.frames_per_second(), 18);
}

TEST(SpeedWindow, FallsToZeroWithinItsWindowAndKeepsTheServiceRate) {
  SpeedWindow window;
  for (int ms = 0; ms <= 3000; ms += 100) window.look(at(ms), ms / 100, ms / 1e4);
  EXPECT_NEAR(window.frames_per_second(), 10, 0.5);
  for (int ms = 3100; ms <= 8000; ms += 100) window.look(at(ms), 30, 0.3);
  EXPECT_EQ(window.frames_per_second(), 0);
  EXPECT_EQ(window.busy_fraction(), 0);
  EXPECT_NEAR(window.service_rate(), 100, 1);
}

TEST(SpeedWindow, AMovedWorkerDoesNotTellTheSpeedOfItsOldStage) {
  SpeedWindow window;
  window.look(at(0), 0, 0);
  window.look(at(1000), 100, 1);
  EXPECT_NEAR(window.service_rate(), 100, 1);
  window.clear();
  window.look(at(1100), 0, 0);
  EXPECT_EQ(window.frames_per_second(), 0);
  EXPECT_EQ(window.service_rate(), 0);
}

TEST(SpeedWindow, AnotherStageBeginsAnew) {
  SpeedWindow window;
  window.look(at(0), 1000, 5);
  window.look(at(1000), 1100, 6);
  window.look(at(1100), 3, 0.1);
  EXPECT_EQ(window.frames_per_second(), 0);
  EXPECT_EQ(window.service_rate(), 0);
}

}  // namespace
}  // namespace ride::worker
