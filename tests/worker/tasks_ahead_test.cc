#include "worker/core/tasks_ahead.h"

#include <gtest/gtest.h>

namespace ride::worker {
namespace {

TEST(TasksAhead, AShareIsWhatAWorkerIsGivenWhenTheFewestShareTheStage) {
  EXPECT_EQ(tasks_of_share(4, 2), 2);
  EXPECT_EQ(tasks_of_share(5, 2), 3);
  EXPECT_EQ(tasks_of_share(2, 5), 1);
  EXPECT_EQ(tasks_of_share(1, 1), 1);
}

TEST(TasksAhead, AGroupOfNoFewestWorkersCountsAsOne) { EXPECT_EQ(tasks_of_share(3, 0), 3); }

TEST(TasksAhead, HoweverManyPartitionsThereAreFourAreEnough) { EXPECT_EQ(tasks_of_share(1'000'000, 1), 4); }

TEST(TasksAhead, ASpareOpensItsShareAndNoMore) {
  TasksOpen open{.partitions = 4, .min_workers = 2};
  EXPECT_TRUE(wants_another(open));
  open.spare = 1;
  EXPECT_TRUE(wants_another(open));
  open.spare = 2;
  EXPECT_FALSE(wants_another(open));
}

TEST(TasksAhead, WhatIsInUseIsNotKeptInAdvanceOnceMore) {
  EXPECT_FALSE(wants_another({.partitions = 4, .min_workers = 2, .in_use = 2}));
  EXPECT_TRUE(wants_another({.partitions = 4, .min_workers = 2, .in_use = 1}));
  EXPECT_FALSE(wants_another({.partitions = 4, .min_workers = 2, .in_use = 7}));
}

TEST(TasksAhead, OnceWarmOnlyWhatWeHaveCounts) {
  EXPECT_FALSE(wants_another({.warm = true, .partitions = 4, .min_workers = 1, .in_use = 3}));
  EXPECT_TRUE(wants_another({.warm = true, .partitions = 4, .min_workers = 1, .in_use = 3, .without = 1}));
}

TEST(TasksAhead, APartitionWithoutATaskIsServedThoughItIsBeyondTheShare) {
  EXPECT_TRUE(wants_another({.partitions = 4, .min_workers = 4, .in_use = 1, .without = 1}));
  EXPECT_FALSE(wants_another({.partitions = 4, .min_workers = 4, .spare = 1, .in_use = 1, .without = 1}));
}

}  // namespace
}  // namespace ride::worker
