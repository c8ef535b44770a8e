#include "worker/core/pending_commits.h"

#include <gtest/gtest.h>

namespace ride::worker {
namespace {

using stream::Commit;

const stream::TopicPartition kAt{"in", PartitionId{0}};

class CommitBookTest : public testing::Test {
 protected:
  void write(const Commit& commit) {
    book.put(kAt, commit);
    book.written(book.take());
  }
  PendingCommits book;
};

TEST_F(CommitBookTest, TheNewestCommitIsWritten) {
  book.put(kAt, {Offset{3}, "three"});
  book.put(kAt, {Offset{5}, "five"});
  EXPECT_EQ(book.take(), (PendingCommits::Commits{{kAt, {Offset{5}, "five"}}}));
  EXPECT_TRUE(book.idle());
}

TEST_F(CommitBookTest, ARefusedCommitIsTriedAgainUnlessANewerOneCame) {
  book.put(kAt, {Offset{3}, "three"});
  auto taken = book.take();
  book.refused(taken);
  EXPECT_EQ(book.take(), taken);
  book.put(kAt, {Offset{5}, "five"});
  book.refused(taken);
  EXPECT_EQ(book.take().at(kAt).offset, Offset{5});
}

TEST_F(CommitBookTest, ACommitThatALateOneLoweredIsWrittenAgain) {
  write({Offset{5}, "five"});
  EXPECT_TRUE(book.read_back({{kAt, Commit{Offset{5}, "five"}}}).empty());
  EXPECT_EQ(book.read_back({{kAt, Commit{Offset{3}, "three"}}}).size(), 1U);
  EXPECT_EQ(book.take().at(kAt), (Commit{Offset{5}, "five"}));
}

TEST_F(CommitBookTest, AHigherCommitOfAPredecessorStands) {
  write({Offset{5}, "five"});
  EXPECT_TRUE(book.read_back({{kAt, Commit{Offset{8}, "eight"}}}).empty());
  EXPECT_TRUE(book.idle());
}

// The same place with less known of what was finished beyond it: that would be taken again.
TEST_F(CommitBookTest, ALateCommitOfTheSameOffsetDoesNotStandInOurs) {
  write({Offset{5}, "five, and one beyond it"});
  EXPECT_EQ(book.read_back({{kAt, Commit{Offset{5}, "five"}}}).size(), 1U);
  EXPECT_EQ(book.take().at(kAt).metadata, "five, and one beyond it");
}

TEST_F(CommitBookTest, WhatIsForgottenIsNotCommittedAgain) {
  write({Offset{5}, "five"});
  book.forget(kAt);
  EXPECT_TRUE(book.standing().empty());
  EXPECT_TRUE(book.read_back({{kAt, Commit{Offset{3}, "three"}}}).empty());
}

}  // namespace
}  // namespace ride::worker
