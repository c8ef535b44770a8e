#include "worker/core/frame_time_limit.h"

#include <gtest/gtest.h>

namespace ride::worker {
namespace {

using std::chrono::milliseconds;

TEST(FrameTimeLimit, WhatTheStageStatesCounts) {
  FrameTimeLimit limit(milliseconds(250));
  for (int i = 0; i < 100; ++i) limit.took(milliseconds(5000));
  EXPECT_EQ(limit.allowed(1 << 30), milliseconds(250));
}

TEST(FrameTimeLimit, IsTenSecondsForQuickTasksAndTwentyMediansForSlowOnes) {
  FrameTimeLimit limit(milliseconds(0));
  EXPECT_EQ(limit.allowed(810'000), milliseconds(10'000));
  for (int i = 0; i < 10; ++i) limit.took(milliseconds(100));
  EXPECT_EQ(limit.allowed(810'000), milliseconds(10'000));
  for (int i = 0; i < 100; ++i) limit.took(milliseconds(2000));
  EXPECT_EQ(limit.allowed(810'000), milliseconds(40'000));
  for (int i = 0; i < 10; ++i) limit.took(milliseconds(60'000));
  EXPECT_EQ(limit.allowed(810'000), milliseconds(40'000)) << "a few slow frames move no median";
}

TEST(FrameTimeLimit, AHugeFirstPictureHasTheTimeThatItsSizeNeeds) {
  EXPECT_EQ(FrameTimeLimit(milliseconds(0)).allowed(621'000'000), milliseconds(155'250));
}

}  // namespace
}  // namespace ride::worker
