// The committer between a stage and its store: what is told, tried again, read back, and given up.
#include "worker/committer.h"

#include <gtest/gtest.h>

#include <thread>

namespace ride::worker {
namespace {

using namespace std::chrono_literals;
using stream::Commit;
using stream::TopicPartition;

const TopicPartition kAt{"in", PartitionId{0}};

// Keeps what is committed, as the test says.
class Store final : public stream::CommitStore {
 public:
  using Commits = std::map<TopicPartition, Commit>;

  Result<std::map<TopicPartition, std::optional<Commit>>> committed(const std::string&,
                                                                    const std::vector<TopicPartition>& at) override {
    const std::lock_guard lock(mutex_);
    std::map<TopicPartition, std::optional<Commit>> found;
    for (const auto& one : at) found[one] = held_.contains(one) ? std::optional(held_[one]) : std::nullopt;
    return found;
  }
  Result<void> commit(const std::string&, const Commits& commits) override {
    const std::lock_guard lock(mutex_);
    ++tries_;
    if (fault_) return *fault_;
    for (const auto& [at, commit] : commits) held_[at] = commit;
    return {};
  }

  void fail_with(std::optional<Error> fault) {
    const std::lock_guard lock(mutex_);
    fault_ = std::move(fault);
  }
  void lower(const Commit& commit) {  // as a late predecessor does
    const std::lock_guard lock(mutex_);
    held_[kAt] = commit;
  }
  int tries() {
    const std::lock_guard lock(mutex_);
    return tries_;
  }
  std::int64_t offset() {
    const std::lock_guard lock(mutex_);
    return held_.contains(kAt) ? held_[kAt].offset.value : -1;
  }

 private:
  std::mutex mutex_;
  Commits held_;
  std::optional<Error> fault_;
  int tries_ = 0;
};

class CommitterTest : public testing::Test {
 protected:
  std::unique_ptr<Committer> start() {
    return std::make_unique<Committer>(store, "group", [this](const TopicPartition&, const Commit& commit) {
      const std::lock_guard lock(mutex);
      told.push_back({commit.offset.value, store->offset()});
    });
  }
  template <class Condition>
  bool becomes(const Condition& condition) {
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (!condition() && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(2ms);
    return condition();
  }
  std::size_t times_told() {
    const std::lock_guard lock(mutex);
    return told.size();
  }

  const Error away{ErrorCode::unavailable, "the brokers are away", true};
  std::shared_ptr<Store> store = std::make_shared<Store>();
  std::mutex mutex;
  std::vector<std::pair<std::int64_t, std::int64_t>> told;  // what was said, and what the store had then
};

TEST_F(CommitterTest, TellsACommitWhenTheStoreHasIt) {
  store->fail_with(away);
  const auto committer = start();
  committer->put(kAt, {Offset{7}, ""});
  ASSERT_TRUE(becomes([&] { return store->tries() >= 3; }));
  EXPECT_EQ(times_told(), 0U) << "nothing stands yet";
  store->fail_with({});
  ASSERT_TRUE(becomes([&] { return times_told() == 1; }));
  EXPECT_EQ(told.front(), std::pair(std::int64_t{7}, std::int64_t{7}));
}

TEST_F(CommitterTest, TriesARefusedCommitAgainUntilItStands) {
  store->fail_with(away);
  const auto committer = start();
  committer->put(kAt, {Offset{7}, ""});
  ASSERT_TRUE(becomes([&] { return store->tries() >= 3; }));
  EXPECT_EQ(committer->failed(), std::nullopt);
  store->fail_with({});
  EXPECT_TRUE(becomes([&] { return store->offset() == 7; }));
}

TEST_F(CommitterTest, ACommitThatCanNeverBeWrittenIsKeptAsTheFailure) {
  store->fail_with(Error{ErrorCode::permission, "this user may not commit in the group", false});
  const auto committer = start();
  committer->put(kAt, {Offset{7}, ""});
  ASSERT_TRUE(becomes([&] { return committer->failed().has_value(); }));
  EXPECT_EQ(committer->failed()->code, ErrorCode::permission);
  EXPECT_EQ(times_told(), 0U);
}

TEST_F(CommitterTest, ReadsBackAndWritesAgainWhatALateOneHasLowered) {
  const auto committer = start();
  committer->put(kAt, {Offset{7}, ""});
  ASSERT_TRUE(becomes([&] { return store->offset() == 7; }));
  store->lower({Offset{3}, ""});
  EXPECT_TRUE(becomes([&] { return store->offset() == 7; }));
}

TEST_F(CommitterTest, WhatIsForgottenIsNotCommittedAnyMore) {
  store->fail_with(away);
  auto committer = start();
  committer->put(kAt, {Offset{7}, ""});
  ASSERT_TRUE(becomes([&] { return store->tries() >= 2; }));
  committer->forget(kAt);
  const TopicPartition other{"in", PartitionId{1}};
  committer->put(other, {Offset{1}, ""});
  store->fail_with({});
  ASSERT_TRUE(becomes([&] { return times_told() == 1; }));
  committer.reset();
  EXPECT_EQ(store->offset(), -1);
}

}  // namespace
}  // namespace ride::worker
