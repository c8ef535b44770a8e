#include "worker/core/pending_commits.h"

#include <gtest/gtest.h>

namespace ride::worker {
namespace {

using stream::Commit;

const stream::TopicPartition kAt{"in", PartitionId{0}};

class CommitBookTest : public testing::Test {
 protected:
  void write(const Commit& commit) {
    pending.put(kAt, commit);
    pending.written(pending.take());
  }
  PendingCommits pending;
};

TEST_F(CommitBookTest, TheNewestCommitIsWritten) {
  pending.put(kAt, {Offset{3}, "three"});
  pending.put(kAt, {Offset{5}, "five"});
  EXPECT_EQ(pending.take(), (PendingCommits::Commits{{kAt, {Offset{5}, "five"}}}));
  EXPECT_TRUE(pending.idle());
}

TEST_F(CommitBookTest, ARefusedCommitIsTriedAgainUnlessANewerOneCame) {
  pending.put(kAt, {Offset{3}, "three"});
  auto taken = pending.take();
  pending.refused(taken);
  EXPECT_EQ(pending.take(), taken);
  pending.put(kAt, {Offset{5}, "five"});
  pending.refused(taken);
  EXPECT_EQ(pending.take().at(kAt).offset, Offset{5});
}

TEST_F(CommitBookTest, ACommitThatALateOneLoweredIsWrittenAgain) {
  write({Offset{5}, "five"});
  EXPECT_TRUE(pending.read_back({{kAt, Commit{Offset{5}, "five"}}}).empty());
  EXPECT_EQ(pending.read_back({{kAt, Commit{Offset{3}, "three"}}}).size(), 1U);
  EXPECT_EQ(pending.take().at(kAt), (Commit{Offset{5}, "five"}));
}

TEST_F(CommitBookTest, AHigherCommitOfAPredecessorStands) {
  write({Offset{5}, "five"});
  EXPECT_TRUE(pending.read_back({{kAt, Commit{Offset{8}, "eight"}}}).empty());
  EXPECT_TRUE(pending.idle());
}

// The same place with less known of what was finished beyond it: that would be taken again.
TEST_F(CommitBookTest, ALateCommitOfTheSameOffsetDoesNotStandInOurs) {
  write({Offset{5}, "five, and one beyond it"});
  EXPECT_EQ(pending.read_back({{kAt, Commit{Offset{5}, "five"}}}).size(), 1U);
  EXPECT_EQ(pending.take().at(kAt).metadata, "five, and one beyond it");
}

TEST_F(CommitBookTest, WhatIsForgottenIsNotCommittedAgain) {
  write({Offset{5}, "five"});
  pending.forget(kAt);
  EXPECT_TRUE(pending.standing().empty());
  EXPECT_TRUE(pending.read_back({{kAt, Commit{Offset{3}, "three"}}}).empty());
}

TEST_F(CommitBookTest, TheLastThatWasWrittenIsTheOneThatShouldStand) {
  write({Offset{5}, "five"});
  write({Offset{8}, "eight"});
  ASSERT_NE(pending.stands(kAt), nullptr);
  EXPECT_EQ(*pending.stands(kAt), (Commit{Offset{8}, "eight"}));
  EXPECT_EQ(pending.read_back({{kAt, Commit{Offset{5}, "five"}}}).size(), 1U) << "our own, written late";
  EXPECT_EQ(pending.take().at(kAt).offset, Offset{8});
}

}  // namespace
}  // namespace ride::worker
