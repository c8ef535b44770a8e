#include "stream/core/lost_offset.h"

#include <gtest/gtest.h>

namespace ride::stream {
namespace {

using namespace std::chrono_literals;
using Finding = LostOffset::Finding;

const LostOffset::Moment kStart{1000s};

OffsetRange range(std::int64_t first, std::int64_t end) { return {Offset{first}, Offset{end}}; }

TEST(LostOffset, WhatTheLeadersLogSaysDecides) {
  const struct {
    std::optional<OffsetRange> range;
    Finding verdict;
  } cases[] = {
      {range(0, 200), Finding::read_again}, {range(100, 200), Finding::read_again},
      {range(0, 100), Finding::read_again},  // the next record is not there yet
      {range(101, 200), Finding::expired},  {range(500, 500), Finding::expired},
      {range(0, 99), Finding::ask_again},   {std::nullopt, Finding::ask_again},
  };
  for (const auto& one : cases) {
    LostOffset lost(Offset{100}, kStart);
    EXPECT_TRUE(lost.is_due(kStart)) << "the first question is asked at once";
    EXPECT_EQ(lost.judge(one.range, kStart), one.verdict) << (one.range ? one.range->first.value : -1);
    EXPECT_FALSE(lost.is_due(kStart));
    EXPECT_EQ(lost.is_due(kStart + 1s), one.verdict == Finding::ask_again);
  }
}

TEST(LostOffset, AboveTheEndIsBelievedWhenItStands) {
  LostOffset lost(Offset{100}, kStart);
  auto now = kStart;
  int asked = 0;
  for (; now < kStart + 9900ms; now += 10ms) {
    if (!lost.is_due(now)) continue;
    ++asked;
    ASSERT_EQ(lost.judge(range(0, 60), now), Finding::ask_again) << (now - kStart) / 1ms << " ms";
  }
  EXPECT_GE(asked, LostOffset::kMustBeReported);
  EXPECT_LE(asked, 20) << "the leader is not stormed";
  for (; !lost.is_due(now); now += 10ms) {
  }
  EXPECT_EQ(lost.judge(range(0, 60), now + 1s), Finding::lost);
}

TEST(LostOffset, OneLongPauseBetweenTwoAnswersProvesNothing) {
  LostOffset lost(Offset{100}, kStart);
  EXPECT_EQ(lost.judge(range(0, 60), kStart), Finding::ask_again);
  EXPECT_EQ(lost.judge(range(0, 60), kStart + 60s), Finding::ask_again);
}

TEST(LostOffset, ALeaderThatKnowsBetterEndsTheDoubt) {
  LostOffset lost(Offset{100}, kStart);
  for (auto now = kStart; now < kStart + 9s; now += 1s) EXPECT_EQ(lost.judge(range(0, 60), now), Finding::ask_again);
  EXPECT_EQ(lost.judge(range(0, 150), kStart + 9500ms), Finding::read_again) << "the new leader";
  lost.refused(Offset{110}, kStart + 10s);  // the old one once more
  for (auto now = kStart + 10s; now < kStart + 19s; now += 1s)
    EXPECT_EQ(lost.judge(range(0, 60), now), Finding::ask_again);
}

TEST(LostOffset, WhoIsRefusedAgainAndAgainWaitsLongerEachTime) {
  LostOffset lost(Offset{100}, kStart);
  auto now = kStart;
  std::vector<std::int64_t> waits;
  for (int i = 0; i < 7; ++i) {
    EXPECT_EQ(lost.judge(range(0, 200), now), Finding::read_again);
    EXPECT_FALSE(lost.is_due(now + 1h)) << "it is being read";
    lost.refused(Offset{100}, now);
    const auto begin = now;
    while (!lost.is_due(now)) now += 10ms;
    waits.push_back((now - begin) / 1ms);
  }
  EXPECT_EQ(waits, (std::vector<std::int64_t>{50, 100, 200, 400, 800, 1000, 1000}));
  lost.judge(range(0, 200), now);
  EXPECT_FALSE(lost.is_old(now + 20s));
  EXPECT_TRUE(lost.is_old(now + 31s + 1s));
}

}  // namespace
}  // namespace ride::stream
