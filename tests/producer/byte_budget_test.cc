#include "producer/core/byte_budget.h"

#include <gtest/gtest.h>

namespace ride::producer {
namespace {

TEST(ByteBudget, OneSourceMayUseAllOfIt) {
  ByteBudget budget(100);
  budget.join("a");
  EXPECT_TRUE(budget.acquire("a", 60));
  EXPECT_TRUE(budget.acquire("a", 40));
  EXPECT_FALSE(budget.acquire("a", 1));
  budget.release("a", 60);
  EXPECT_TRUE(budget.acquire("a", 60));
  EXPECT_EQ(budget.held(), 100);
}

TEST(ByteBudget, ASourceThatIsStuckLeavesTheOthersTheirShare) {
  ByteBudget budget(100);
  budget.join("stuck");
  budget.join("other");
  EXPECT_TRUE(budget.acquire("stuck", 50));
  EXPECT_FALSE(budget.acquire("stuck", 1));
  EXPECT_TRUE(budget.acquire("other", 25));
  EXPECT_TRUE(budget.acquire("other", 25));
  EXPECT_FALSE(budget.acquire("other", 1));
}

TEST(ByteBudget, AFrameAboveTheShareGoesWhileItsSourceHoldsNothing) {
  ByteBudget budget(100);
  budget.join("a");
  budget.join("b");
  EXPECT_TRUE(budget.acquire("a", 80));
  EXPECT_FALSE(budget.acquire("b", 80));
  EXPECT_TRUE(budget.acquire("b", 20));
}

TEST(ByteBudget, AFrameAboveTheLimitRunsAlone) {
  ByteBudget budget(100);
  budget.join("a");
  budget.join("b");
  EXPECT_TRUE(budget.acquire("a", 10));
  EXPECT_FALSE(budget.acquire("b", 500));
  budget.release("a", 10);
  EXPECT_TRUE(budget.acquire("b", 500));
  EXPECT_FALSE(budget.acquire("a", 1));
  budget.release("b", 500);
  EXPECT_TRUE(budget.acquire("a", 1));
}

TEST(ByteBudget, WhatALeavingSourceHeldComesBack) {
  ByteBudget budget(100);
  budget.join("a");
  budget.join("b");
  EXPECT_TRUE(budget.acquire("a", 50));
  budget.leave("a");
  EXPECT_EQ(budget.held(), 0);
  budget.release("a", 50);  // a late delivery report
  EXPECT_EQ(budget.held(), 0);
  EXPECT_TRUE(budget.acquire("b", 100));
}

}  // namespace
}  // namespace ride::producer
