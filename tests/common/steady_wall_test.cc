#include "common/steady_wall.h"

#include <gtest/gtest.h>

namespace ride {
namespace {

using namespace std::chrono_literals;

const SystemTime kWall{1'800'000'000s};
const SteadyWall::Moment kSteady{1000s};

TEST(SteadyWall, ShowsTheWallClockWhileNobodySetsIt) {
  SteadyWall clock;
  for (auto passed = 0ms; passed < 10s; passed += 70ms)
    EXPECT_EQ(clock.at(kWall + passed, kSteady + passed), kWall + passed);
}

TEST(SteadyWall, GoesOnWhenTheClockIsSetBackAndComesNearSlowly) {
  SteadyWall clock;
  auto before = clock.at(kWall, kSteady);
  for (auto passed = 100ms; passed <= 410s; passed += 100ms) {
    const auto now = clock.at(kWall - 40s + passed, kSteady + passed);
    ASSERT_GE(now - before, 90ms);
    ASSERT_LE(now - before, 100ms);
    before = now;
  }
  EXPECT_EQ(before, kWall - 40s + 410s);
}

TEST(SteadyWall, DoesNotJumpWhenTheClockIsSetAhead) {
  SteadyWall clock;
  auto before = clock.at(kWall, kSteady);
  for (auto passed = 100ms; passed <= 410s; passed += 100ms) {
    const auto now = clock.at(kWall + 40s + passed, kSteady + passed);
    ASSERT_GE(now - before, 100ms);
    ASSERT_LE(now - before, 110ms);
    before = now;
  }
  EXPECT_EQ(before, kWall + 40s + 410s);
}

TEST(SteadyWall, FollowsAClockThatWasWrongByHoursAndNeverGoesBack) {
  SteadyWall clock;
  clock.at(kWall, kSteady);
  EXPECT_EQ(clock.at(kWall + 2h, kSteady + 1s), kWall + 2h);
  EXPECT_GE(clock.at(kWall + 2s, kSteady + 2s), kWall + 2h);
  EXPECT_GE(clock.at(kWall + 2s, kSteady + 1s), kWall + 2h) << "not even when its reader mixes up the order";
}

}  // namespace
}  // namespace ride
