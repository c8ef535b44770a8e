// A cluster that cannot make a job's topics now: what may pass is tried again, and reported; what cannot ends it.
#include "master/topic_worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "master/master_metrics.h"
#include "master/topics.h"
#include "stream/memory/memory_log.h"

namespace ride::master {
namespace {

using namespace std::chrono_literals;
using stream::TopicPartition;
using ::testing::HasSubstr;

// What the cluster says, as long as it says it.
struct Trouble {
  std::mutex mutex;
  std::optional<Error> create, committed;
  int creates = 0;

  void say(std::optional<Error> at_create, std::optional<Error> at_committed = {}) {
    const std::lock_guard lock(mutex);
    create = std::move(at_create);
    committed = std::move(at_committed);
  }
};

class TroubledAdmin final : public stream::TopicAdmin {
 public:
  TroubledAdmin(std::unique_ptr<stream::TopicAdmin> inner, Trouble& trouble)
      : inner_(std::move(inner)), trouble_(trouble) {}
  Result<std::vector<stream::TopicInfo>> topics() override { return inner_->topics(); }
  Result<int> broker_count() override { return inner_->broker_count(); }
  Result<void> create(const stream::NewTopic& topic) override {
    const std::lock_guard lock(trouble_.mutex);
    ++trouble_.creates;
    return trouble_.create ? Result<void>(*trouble_.create) : inner_->create(topic);
  }
  Result<void> remove(const std::string& topic) override { return inner_->remove(topic); }
  Result<stream::OffsetRange> range(const TopicPartition& at) override { return inner_->range(at); }
  Result<Offset> offset_at(const TopicPartition& at, SystemTime since) override { return inner_->offset_at(at, since); }
  Result<void> delete_before(const TopicPartition& at, Offset offset) override {
    return inner_->delete_before(at, offset);
  }

 private:
  std::unique_ptr<stream::TopicAdmin> inner_;
  Trouble& trouble_;
};

class TroubledCommits final : public stream::CommitStore {
 public:
  using Commits = std::map<TopicPartition, std::optional<stream::Commit>>;
  TroubledCommits(std::unique_ptr<stream::CommitStore> inner, Trouble& trouble)
      : inner_(std::move(inner)), trouble_(trouble) {}
  Result<Commits> committed(const std::string& group, const std::vector<TopicPartition>& at) override {
    const std::lock_guard lock(trouble_.mutex);
    return trouble_.committed ? Result<Commits>(*trouble_.committed) : inner_->committed(group, at);
  }
  Result<void> commit(const std::string& group, const std::map<TopicPartition, stream::Commit>& commits) override {
    return inner_->commit(group, commits);
  }

 private:
  std::unique_ptr<stream::CommitStore> inner_;
  Trouble& trouble_;
};

class TopicWorkerTest : public ::testing::Test {
 protected:
  TopicWorkerTest() {
    auto spec = std::make_shared<stream::JobSpec>();
    spec->job = JobName{"street"};
    spec->run = RunNumber{1};
    stream::StageSpec stage;
    stage.name = "clean";
    stage.topic = stage.group_id = "ride.street.1.clean";
    stage.partitions = 2;
    spec->stages = {stage};
    spec_ = spec;
    keeper_.start({.done =
                       [this](TopicsOutcome outcome) {
                         const std::lock_guard lock(mutex_);
                         outcomes_.push_back(std::move(outcome));
                       },
                   .jobs_to_clean = [] { return TopicWorker::Jobs{}; },
                   .is_wanted = [this](const stream::JobSpec&) { return wanted_.load(); },
                   .unreported = [](const UnreportedPartition*) { return std::vector<UnreportedPartition>{}; },
                   .measured = [](LogsMeasured) {}});
  }
  template <class Condition>
  static bool eventually(Condition condition) {
    for (const auto end = std::chrono::steady_clock::now() + 30s; std::chrono::steady_clock::now() < end;) {
      if (condition()) return true;
      std::this_thread::sleep_for(5ms);
    }
    return false;
  }
  std::vector<TopicsOutcome> outcomes() {
    const std::lock_guard lock(mutex_);
    return outcomes_;
  }
  std::string waits() { return keeper_.waits(spec_->job, spec_->run).value_or(""); }
  int creates() {
    const std::lock_guard lock(trouble_.mutex);
    return trouble_.creates;
  }
  int events(const std::string& code) {
    int count = 0;
    for (const auto& event : events_.since(0, 1000)) count += event.what.code == code;
    return count;
  }
  // It waits, is tried again, and runs when the trouble is over.
  void expect_to_outlive(const Error& at_create, const std::string& words) {
    trouble_.say(at_create);
    keeper_.ensure(spec_);
    EXPECT_TRUE(eventually([&] { return waits().find("tried 3 times") != std::string::npos; })) << waits();
    EXPECT_THAT(waits(), HasSubstr(words));
    EXPECT_TRUE(outcomes().empty()) << *outcomes()[0].failure;
    trouble_.say({});
    ASSERT_TRUE(eventually([&] { return outcomes().size() == 1; })) << waits();
    EXPECT_EQ(outcomes()[0].failure, std::nullopt);
    EXPECT_TRUE(eventually([&] { return waits().empty(); }));
    EXPECT_GE(events("topics_wait"), 2);
    EXPECT_EQ(events("topics_ready"), 1);
  }

  std::shared_ptr<stream::MemoryLog> log_ = stream::MemoryLog::make();
  Trouble trouble_;
  std::shared_ptr<const stream::JobSpec> spec_;
  Metrics metrics_{master_metrics_table()};
  EventRing events_;
  std::mutex mutex_;
  std::vector<TopicsOutcome> outcomes_;
  std::atomic<bool> wanted_ = true;
  TopicWorker keeper_{{.admin = std::make_unique<TroubledAdmin>(log_->admin(), trouble_),
                       .commits = std::make_unique<TroubledCommits>(log_->commits(), trouble_),
                       .metrics = metrics_,
                       .events = events_,
                       .first_pause = 5ms,
                       .longest_pause = 20ms}};
};

TEST_F(TopicWorkerTest, BrokersThatAreFencedMakeAJobWait) {
  expect_to_outlive({ErrorCode::unavailable, "cannot create topic x: All brokers are currently fenced", false},
                    "All brokers are currently fenced");
}

TEST_F(TopicWorkerTest, AnErrorThatNobodyKnowsMakesAJobWait) {
  expect_to_outlive({ErrorCode::internal, "cannot create topic x: Unknown broker error", false},
                    "Unknown broker error");
}

TEST_F(TopicWorkerTest, AGroupWhosePartitionIsNotKnownYetMakesAJobWait) {
  trouble_.say({}, Error{ErrorCode::not_found, "cannot read the commits of group g: Unknown partition", false});
  keeper_.ensure(spec_);
  ASSERT_TRUE(eventually([&] { return !waits().empty(); }));  // behind the patience of one try
  EXPECT_THAT(waits(), HasSubstr("Unknown partition"));
  trouble_.say({});
  ASSERT_TRUE(eventually([&] { return outcomes().size() == 1; }));
  EXPECT_EQ(outcomes()[0].failure, std::nullopt);
}

TEST_F(TopicWorkerTest, WhatCannotPassEndsItAtOnce) {
  const Error final_ones[] = {
      {ErrorCode::permission, "cannot create topic x: Topic authorization failed", false},
      {ErrorCode::invalid_argument, "cannot create topic x: Configuration is invalid", false},
      {ErrorCode::unsupported, "stage x may need 5000 bytes of metadata", false},
  };
  for (const auto& error : final_ones) {
    trouble_.say(error);
    const auto before = outcomes().size();
    keeper_.ensure(spec_);
    ASSERT_TRUE(eventually([&] { return outcomes().size() > before; }));
    EXPECT_EQ(outcomes().back().failure, error.message);
    EXPECT_EQ(waits(), "");
  }
  EXPECT_EQ(events("topics_wait"), 0);
}

TEST_F(TopicWorkerTest, TopicsWithOtherPartitionsEndItAtOnce) {
  log_->admin()->create({"ride.street.1.clean", 6, 1, {}}).value();
  keeper_.ensure(spec_);
  ASSERT_TRUE(eventually([&] { return !outcomes().empty(); }));
  EXPECT_THAT(outcomes()[0].failure.value_or(""), HasSubstr("exists with 6 partitions"));
}

TEST_F(TopicWorkerTest, AJobThatIsCancelledMeanwhileIsTriedNoMore) {
  trouble_.say(Error{ErrorCode::unavailable, "away", false});
  keeper_.ensure(spec_);
  ASSERT_TRUE(eventually([&] { return !waits().empty(); }));
  wanted_ = false;
  EXPECT_TRUE(eventually([&] { return waits().empty(); }));
  const int tries = creates();
  EXPECT_FALSE(std::invoke([&] {
    for (const auto end = std::chrono::steady_clock::now() + 200ms; std::chrono::steady_clock::now() < end;)
      if (creates() != tries) return true;
    return false;
  }));
  EXPECT_TRUE(outcomes().empty());
}

TEST_F(TopicWorkerTest, AnotherJobIsMadeMeanwhile) {
  trouble_.say({}, {});
  log_->admin()->create({"ride.street.1.clean", 2, 1, {}}).value();
  auto other = std::make_shared<stream::JobSpec>(*spec_);
  other->job = JobName{"door"};
  other->stages[0].topic = other->stages[0].group_id = "ride.door.1.clean";
  trouble_.say(Error{ErrorCode::unavailable, "away", false});
  keeper_.ensure(spec_);  // lacks the topic of its dead frames
  ASSERT_TRUE(eventually([&] { return !waits().empty(); }));
  EXPECT_EQ(keeper_.waits(other->job, other->run), std::nullopt);
  trouble_.say({});
  keeper_.ensure(other);
  EXPECT_TRUE(eventually([&] { return outcomes().size() == 2; }));
}

}  // namespace
}  // namespace ride::master
