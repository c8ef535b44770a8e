#include "stream/core/fetch_wake.h"

#include <gtest/gtest.h>

#include <vector>

namespace ride::stream {
namespace {

constexpr std::int64_t kMegabyte = 1 << 20;

// Takes records of one megabyte until `left` are queued; which numbers of queued ones it was woken at.
std::vector<std::int64_t> drain(FetchWake& wake, std::int64_t from, std::int64_t left) {
  std::vector<std::int64_t> woken;
  for (auto queued = from - 1; queued >= left; --queued)
    if (wake.took(kMegabyte, queued)) woken.push_back(queued);
  return woken;
}

TEST(FetchWake, AFullQueueThatDrainsIsWokenBelowThreeQuarters) {
  FetchWake wake(64 * kMegabyte);
  EXPECT_EQ(drain(wake, 80, 40), std::vector<std::int64_t>{47});
}

TEST(FetchWake, WhileNothingArrivesItIsWokenAgainAtEachHalf) {
  FetchWake wake(64 * kMegabyte);
  EXPECT_EQ(drain(wake, 64, 0), (std::vector<std::int64_t>{47, 23, 11, 5, 2, 1, 0}));
}

TEST(FetchWake, WhatArrivesEndsTheWaking) {
  FetchWake wake(64 * kMegabyte);
  EXPECT_EQ(drain(wake, 64, 40).size(), 1u);
  EXPECT_FALSE(wake.took(kMegabyte, 45));
  EXPECT_TRUE(drain(wake, 45, 0).empty()) << "it fetches, and never was full since";
}

TEST(FetchWake, EachFillingIsWokenOnce) {
  FetchWake wake(64 * kMegabyte);
  for (int round = 0; round < 10; ++round) EXPECT_EQ(drain(wake, 64, 45), std::vector<std::int64_t>{47}) << round;
}

TEST(FetchWake, AStreamThatKeepsUpIsNeverWoken) {
  FetchWake wake(64 * kMegabyte);
  for (int i = 0; i < 10'000; ++i) ASSERT_FALSE(wake.took(kMegabyte, i % 3));
}

TEST(FetchWake, SizesThatNobodyCanBelieveDoNotOverflow) {
  FetchWake wake(std::int64_t{256} << 20);
  for (const std::int64_t bytes : {std::int64_t{-1}, std::int64_t{0}, INT64_MAX})
    for (const std::int64_t left : {INT64_MIN, std::int64_t{0}, INT64_MAX}) wake.took(bytes, left);
  EXPECT_GT(wake.mean_bytes(), 0);
}

TEST(FetchWake, SmallRecordsBeforeLargeOnesFollowTheMean) {
  FetchWake wake(64 * kMegabyte);
  for (int i = 0; i < 100; ++i) wake.took(100, 50);
  EXPECT_LT(wake.mean_bytes(), 200);
  for (int i = 0; i < 100; ++i) wake.took(kMegabyte, 150);
  EXPECT_GT(wake.mean_bytes(), kMegabyte * 9 / 10);
}

}  // namespace
}  // namespace ride::stream
