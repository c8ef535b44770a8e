// When the store of commits is asked for what: by a clock that the test moves.
#include "worker/core/commit_flow.h"

#include <gtest/gtest.h>

namespace ride::worker {
namespace {

using namespace std::chrono_literals;
using stream::Commit;
using stream::TopicPartition;

const TopicPartition kAt{"in", PartitionId{0}}, kOther{"in", PartitionId{1}};
const Error kAway{ErrorCode::unavailable, "the brokers are away", true};

class CommitFlowTest : public testing::Test {
 protected:
  // The commits that it wants written now; none: it asks for nothing, or for something else.
  PendingCommits::Commits asks_to_write() {
    auto request = flow.next(now);
    auto* write = request ? std::get_if<CommitFlow::Write>(&*request) : nullptr;
    return write == nullptr ? PendingCommits::Commits{} : write->commits;
  }
  std::vector<TopicPartition> asks_what_stands() {
    auto request = flow.next(now);
    auto* read_back = request ? std::get_if<CommitFlow::ReadBack>(&*request) : nullptr;
    return read_back == nullptr ? std::vector<TopicPartition>{} : read_back->at;
  }
  void write(const Commit& commit) {
    flow.put(kAt, commit);
    const auto asked = asks_to_write();
    ASSERT_EQ(asked, (PendingCommits::Commits{{kAt, commit}}));
    flow.answered({asked}, Result<void>(), now);
  }

  CommitFlow::TimePoint now{100s};
  CommitFlow flow{now};
};

TEST_F(CommitFlowTest, TheNewestCommitOfEachPartitionIsWrittenAtOnce) {
  EXPECT_FALSE(flow.next(now));
  flow.put(kAt, {Offset{3}, ""});
  flow.put(kAt, {Offset{5}, ""});
  flow.put(kOther, {Offset{1}, ""});
  EXPECT_LE(flow.next_at(), now);
  const auto asked = asks_to_write();
  EXPECT_EQ(asked, (PendingCommits::Commits{{kAt, {Offset{5}, ""}}, {kOther, {Offset{1}, ""}}}));
  EXPECT_EQ(flow.stands(kAt), nullptr) << "the store has not answered";
  flow.answered({asked}, Result<void>(), now);
  ASSERT_NE(flow.stands(kAt), nullptr);
  EXPECT_EQ(flow.stands(kAt)->offset, Offset{5});
  EXPECT_FALSE(flow.next(now));
}

TEST_F(CommitFlowTest, NothingIsAskedWhileAnAnswerIsOnItsWay) {
  flow.put(kAt, {Offset{3}, ""});
  const auto first = asks_to_write();
  flow.put(kAt, {Offset{5}, ""});
  now += 10s;
  EXPECT_FALSE(flow.next(now)) << "the second might overtake the first";
  EXPECT_EQ(flow.next_at(), CommitFlow::TimePoint::max());
  flow.answered({first}, Result<void>(), now);
  EXPECT_TRUE(flow.next(now));
}

TEST_F(CommitFlowTest, ARefusedCommitIsTriedAgainAfterAWhileOrTheNewerOneInItsPlace) {
  flow.put(kAt, {Offset{3}, ""});
  flow.answered({asks_to_write()}, kAway, now);
  EXPECT_FALSE(flow.next(now));
  EXPECT_EQ(flow.next_at(), now + 50ms);
  now += 49ms;
  EXPECT_FALSE(flow.next(now));
  now += 1ms;
  const auto again = asks_to_write();
  EXPECT_EQ(again.at(kAt).offset, Offset{3});
  flow.put(kAt, {Offset{5}, ""});
  flow.answered({again}, kAway, now);
  now += 50ms;
  EXPECT_EQ(asks_to_write().at(kAt).offset, Offset{5});
  EXPECT_FALSE(flow.failed());
}

TEST_F(CommitFlowTest, WhatStandsIsReadBackEachSecondAlsoWhenCommitsComeAllTheTime) {
  int read_back = 0, written = 0;
  const auto end = now + 3s;
  for (std::int64_t n = 0; now <= end; ++n, now += 10ms) {
    flow.put(kAt, {Offset{n}, ""});
    auto request = flow.next(now);
    ASSERT_TRUE(request) << "there is always something to write";
    if (auto* write = std::get_if<CommitFlow::Write>(&*request)) {
      ++written;
      flow.answered(*write, Result<void>(), now);
    } else {
      ++read_back;
      EXPECT_TRUE(flow.answered(std::get<CommitFlow::ReadBack>(*request), kAway, now).empty());
    }
  }
  EXPECT_EQ(read_back, 3);
  EXPECT_EQ(written, 298);
}

TEST_F(CommitFlowTest, WritesHaveTheirTurnThoughReadingBackTakesLong) {
  write({Offset{1}, ""});
  for (std::int64_t n = 2; n < 6; ++n) {
    now += 1s;
    ASSERT_EQ(asks_what_stands(), std::vector{kAt});
    flow.put(kAt, {Offset{n}, ""});
    now += 5s;
    EXPECT_TRUE(flow.answered(CommitFlow::ReadBack{{kAt}}, kAway, now).empty());
    const auto asked = asks_to_write();
    ASSERT_EQ(asked, (PendingCommits::Commits{{kAt, {Offset{n}, ""}}}));
    flow.answered({asked}, Result<void>(), now);
  }
}

TEST_F(CommitFlowTest, WhatIsForgottenWhileItIsWrittenIsNotWatchedThen) {
  flow.put(kAt, {Offset{7}, ""});
  const auto asked = asks_to_write();
  flow.forget(kAt);
  flow.answered({asked}, Result<void>(), now);
  EXPECT_EQ(flow.stands(kAt), nullptr);
  now += 1s;
  EXPECT_FALSE(flow.next(now)) << "it is the next owner's";
}

TEST_F(CommitFlowTest, WhatIsForgottenWhileItIsWrittenIsNotTriedAgain) {
  flow.put(kAt, {Offset{7}, ""});
  const auto asked = asks_to_write();
  flow.forget(kAt);
  flow.answered({asked}, kAway, now);
  now += 50ms;
  EXPECT_FALSE(flow.next(now));
}

TEST_F(CommitFlowTest, APartitionThatComesBackWhileItsEarlierCommitIsWrittenIsCommitted) {
  flow.put(kAt, {Offset{7}, ""});
  const auto asked = asks_to_write();
  flow.forget(kAt);
  flow.put(kAt, {Offset{9}, ""});
  flow.answered({asked}, Result<void>(), now);
  EXPECT_EQ(asks_to_write(), (PendingCommits::Commits{{kAt, {Offset{9}, ""}}}));
}

TEST_F(CommitFlowTest, ACommitThatALateOneLoweredIsWrittenAgain) {
  write({Offset{7}, "seven"});
  EXPECT_EQ(flow.next_at(), now + 1s);
  now += 1s;
  ASSERT_EQ(asks_what_stands(), std::vector{kAt});
  const auto lowered =
      flow.answered(CommitFlow::ReadBack{{kAt}}, CommitFlow::Found{{kAt, Commit{Offset{3}, "three"}}}, now);
  EXPECT_EQ(lowered, std::vector{kAt});
  EXPECT_EQ(asks_to_write(), (PendingCommits::Commits{{kAt, {Offset{7}, "seven"}}}));
}

TEST_F(CommitFlowTest, WhatStandsAsItWasWrittenIsLeftAlone) {
  write({Offset{7}, "seven"});
  now += 1s;
  ASSERT_EQ(asks_what_stands(), std::vector{kAt});
  EXPECT_TRUE(
      flow.answered(CommitFlow::ReadBack{{kAt}}, CommitFlow::Found{{kAt, Commit{Offset{7}, "seven"}}}, now).empty());
  EXPECT_FALSE(flow.next(now));
  EXPECT_EQ(flow.next_at(), now + 1s);
}

TEST_F(CommitFlowTest, TheFirstErrorThatDoesNotPassIsKept) {
  flow.put(kAt, {Offset{7}, ""});
  flow.answered({asks_to_write()}, Error{ErrorCode::permission, "no right to commit", false}, now);
  ASSERT_TRUE(flow.failed());
  EXPECT_EQ(flow.failed()->code, ErrorCode::permission);
  EXPECT_EQ(flow.stands(kAt), nullptr);
  flow.put(kAt, {Offset{8}, ""});
  flow.answered({asks_to_write()}, Error{ErrorCode::not_found, "the group is gone", false}, now);
  EXPECT_EQ(flow.failed()->code, ErrorCode::permission);
}

TEST_F(CommitFlowTest, WhatIsForgottenIsNeitherWrittenNorWatched) {
  write({Offset{7}, ""});
  flow.put(kAt, {Offset{9}, ""});
  flow.forget(kAt);
  EXPECT_FALSE(flow.next(now));
  now += 1s;
  EXPECT_FALSE(flow.next(now)) << "nothing of ours stands";
}

TEST_F(CommitFlowTest, AtTheEndWhatWaitsForItsNextTryIsWrittenAtOnce) {
  EXPECT_FALSE(flow.last());
  flow.put(kAt, {Offset{3}, ""});
  flow.answered({asks_to_write()}, kAway, now);
  ASSERT_FALSE(flow.next(now));
  auto last = flow.last();
  ASSERT_TRUE(last);
  EXPECT_EQ(std::get<CommitFlow::Write>(*last).commits.at(kAt).offset, Offset{3});
}

}  // namespace
}  // namespace ride::worker
