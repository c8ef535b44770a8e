// Topics, first commits and cleaning on the in-memory log.
#include "master/topics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "master/cleaner.h"
#include "master/lag_meter.h"
#include "stream/core/commit_metadata.h"
#include "stream/memory/memory_log.h"

namespace ride::master {
namespace {

using stream::TopicPartition;
using ::testing::HasSubstr;

stream::StageSpec stage(const std::string& name, int partitions) {
  stream::StageSpec spec;
  spec.name = name;
  spec.topic = spec.group_id = "ride.street.1." + name;
  spec.partitions = partitions;
  spec.replication = 3;
  return spec;
}

class TopicsTest : public ::testing::Test {
 protected:
  Result<void> make(const stream::JobSpec& spec) {
    return make_topics({*admin_, *commits_, std::chrono::milliseconds(200)}, spec);
  }
  int partitions(const std::string& topic) {
    for (const auto& one : admin_->topics().value())
      if (one.name == topic) return one.partitions;
    return 0;
  }
  std::optional<stream::Commit> commit(const std::string& group, const TopicPartition& at) {
    return commits_->committed(group, {at}).value()[at];
  }
  void write(const std::string& topic, int records) {
    auto writer = log_->writer();
    for (int i = 0; i < records; ++i) writer->send({topic, PartitionId{0}}, {}, [](const Result<Offset>&) {}).value();
    writer->flush(std::chrono::seconds(1)).value();
  }

  std::shared_ptr<stream::MemoryLog> log_ = stream::MemoryLog::make();
  std::unique_ptr<stream::TopicAdmin> admin_ = log_->admin();
  std::unique_ptr<stream::CommitStore> commits_ = log_->commits();
};

TEST_F(TopicsTest, EveryStageGetsItsTopicAndAFirstCommitInEachPartition) {
  stream::JobSpec spec{.job = {"street"}, .run = {1}, .stages = {stage("clean", 4), stage("album", 2)}};
  make(spec).value();
  EXPECT_EQ(partitions("ride.street.1.clean"), 4);
  EXPECT_EQ(partitions("ride.street.1.album"), 2);
  EXPECT_EQ(partitions("ride.street.1.clean.dead"), 1) << "for what goes no further";
  for (int p = 0; p < 4; ++p)
    EXPECT_EQ(commit("ride.street.1.clean", {"ride.street.1.clean", PartitionId{p}}), (stream::Commit{Offset{0}, ""}));
}

TEST_F(TopicsTest, MakingThemAgainChangesNoCommit) {
  stream::JobSpec spec{.job = {"street"}, .run = {1}, .stages = {stage("clean", 1)}};
  make(spec).value();
  const TopicPartition at{"ride.street.1.clean", PartitionId{0}};
  commits_->commit("ride.street.1.clean", {{at, {Offset{7}, "m"}}}).value();
  make(spec).value();
  EXPECT_EQ(commit("ride.street.1.clean", at), (stream::Commit{Offset{7}, "m"}));
}

TEST_F(TopicsTest, ATopicWithOtherPartitionsIsRefusedInWords) {
  admin_->create({"ride.street.1.clean", 6, 1, {}}).value();
  const auto made = make({.job = {"street"}, .run = {1}, .stages = {stage("clean", 4)}});
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code, ErrorCode::already_exists);
  EXPECT_THAT(made.error().message, HasSubstr("ride.street.1.clean exists with 6 partitions, the job needs 4"));
}

TEST_F(TopicsTest, ANamedOutputIsMadeWhenMissingAndCheckedWhenThere) {
  auto clean = stage("clean", 2);
  clean.outputs = {{.port = "out", .topic = "edges", .partitions = 3}};
  make({.job = {"street"}, .run = {1}, .stages = {clean}}).value();
  EXPECT_EQ(partitions("edges"), 3);
  clean.outputs[0].partitions = 5;
  const auto made = make({.job = {"street"}, .run = {1}, .stages = {clean}});
  ASSERT_FALSE(made.ok());
  EXPECT_THAT(made.error().message, HasSubstr("edges exists with 3 partitions"));
}

TEST_F(TopicsTest, AnAdoptedTopicMustBeThereAndIsReadFromItsFirstRecord) {
  auto adopted = stage("read", 1);
  adopted.topic = "frames";
  adopted.adopt = stream::AdoptSpec{.format = "jpeg"};
  const stream::JobSpec spec{.job = {"street"}, .run = {1}, .stages = {adopted}};
  const auto missing = make(spec);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_THAT(missing.error().message, HasSubstr("stage read reads topic frames, which does not exist"));

  admin_->create({"frames", 1, 1, {}}).value();
  write("frames", 10);
  admin_->delete_before({"frames", PartitionId{0}}, Offset{4}).value();
  make(spec).value();
  EXPECT_EQ(commit("ride.street.1.read", {"frames", PartitionId{0}}), (stream::Commit{Offset{4}, ""}));
}

TEST_F(TopicsTest, DeletingAJobsTopicsLeavesThoseOfOthers) {
  auto adopted = stage("read", 1);
  adopted.topic = "frames";
  adopted.adopt = stream::AdoptSpec{.format = "jpeg"};
  adopted.outputs = {{.port = "out", .topic = "edges", .partitions = 1}};
  admin_->create({"frames", 1, 1, {}}).value();
  const stream::JobSpec spec{
      .job = {"street"}, .run = {1}, .sources = {{.name = "folder"}}, .stages = {adopted, stage("clean", 1)}};
  make(spec).value();
  admin_->create({"ride.street.1.folder.manifest", 1, 1, {}}).value();  // by the producer
  remove_topics({*admin_, *commits_}, spec).value();
  EXPECT_EQ(partitions("ride.street.1.clean"), 0);
  EXPECT_EQ(partitions("ride.street.1.folder.manifest"), 0);
  EXPECT_EQ(partitions("frames"), 1);
  EXPECT_EQ(partitions("edges"), 1);
}

TEST(HighestRun, ComesFromTheTopicsThatAreThere) {
  const std::vector<stream::TopicInfo> topics = {{"ride.street.9.clean"}, {"ride.street.12.album"},
                                                 {"ride.streets.40.x"},   {"ride.street.x.y"},
                                                 {"ride.street.77"},      {"other.street.99.a"}};
  EXPECT_EQ(highest_run(topics, "ride", "street"), RunNumber{12});
  EXPECT_EQ(highest_run(topics, "ride", "nothing"), RunNumber{0});
}

class CleanerTest : public TopicsTest {
 protected:
  void SetUp() override {
    spec_->stages = {stage("clean", 1)};
    make(*spec_).value();
    write("ride.street.1.clean", 10);
  }
  void ack(int until) { commits_->commit("ride.street.1.clean", {{at_, {Offset{until}, ""}}}).value(); }
  std::int64_t first() { return admin_->range(at_).value().first.value; }
  std::int64_t clean() {
    const auto round = cleaner_.clean({spec_}, system_now());
    EXPECT_FALSE(round.failure.has_value());
    return round.deleted;
  }

  const TopicPartition at_{"ride.street.1.clean", PartitionId{0}};
  std::shared_ptr<stream::JobSpec> spec_ = std::make_shared<stream::JobSpec>();
  Cleaner cleaner_{*admin_, *commits_};
};

TEST_F(CleanerTest, KeepsWhatTheNextOwnersTaskIsWarmedUpWith) {
  for (int round = 0; round < 2; ++round) {
    commits_->commit("ride.street.1.clean", {{at_, {Offset{9}, stream::pack({.warm_from = Offset{4}})}}}).value();
    clean();
  }
  EXPECT_EQ(first(), 4);
}

TEST_F(CleanerTest, DeletesWhatWasAckedOneRoundAgo) {
  ack(6);
  EXPECT_EQ(clean(), 0);
  EXPECT_EQ(first(), 0);
  ack(9);
  EXPECT_EQ(clean(), 6);
  EXPECT_EQ(first(), 6);
  EXPECT_EQ(clean(), 3);
  EXPECT_EQ(first(), 9);
  EXPECT_EQ(clean(), 0);
}

TEST_F(CleanerTest, ACommitThatWasLoweredMeanwhileHoldsItBack) {
  ack(6);
  clean();
  ack(2);  // a predecessor's late commit
  clean();
  EXPECT_EQ(first(), 2);
}

TEST_F(CleanerTest, WhatWaitsWithoutAnOwnerIsAskedFor) {
  const StageKey key{JobName{"street"}, RunNumber{1}, StageName{"clean"}};
  const UnreportedPartition here{key, "ride.street.1.clean", "ride.street.1.clean", PartitionId{0}};
  const UnreportedPartition gone{key, "ride.street.1.gone", "ride.street.1.gone", PartitionId{0}};
  ack(4);
  LagMeter meter(*admin_, *commits_);
  EXPECT_EQ(meter.last(), nullptr);
  auto round = meter.measure({here}, std::chrono::seconds(10));
  EXPECT_FALSE(round.failure.has_value());
  ASSERT_EQ(round.measured.partitions.size(), 1U);
  EXPECT_EQ(round.measured.partitions[0].committed, Offset{4});
  EXPECT_EQ(round.measured.partitions[0].end, Offset{10});
  EXPECT_EQ(*meter.last(), here);
  round = meter.measure({here, gone}, std::chrono::seconds(10));
  EXPECT_TRUE(round.failure.has_value());
  EXPECT_EQ(round.measured.partitions.size(), 1U) << "what was asked before counts";
  EXPECT_EQ(*meter.last(), gone) << "the others have their turn next";
}

TEST_F(CleanerTest, KeepHoldsBackWhatIsYoung) {
  spec_->stages[0].keep_ms = 60'000;
  ack(10);
  clean();
  clean();
  EXPECT_EQ(first(), 0);
  spec_->stages[0].keep_ms = 0;
  clean();
  EXPECT_EQ(first(), 10);
}

TEST_F(CleanerTest, AdoptedTopicsAreNeverTouched) {
  ack(10);
  spec_->stages[0].adopt = stream::AdoptSpec{.format = "jpeg"};
  clean();
  clean();
  EXPECT_EQ(first(), 0);
}

}  // namespace
}  // namespace ride::master
