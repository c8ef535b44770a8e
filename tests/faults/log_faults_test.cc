// What happens in the log itself: retention overtakes a reader, a topic is deleted under a job. Loud, counted, and
// nothing else is harmed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stream/kafka/admin.h"
#include "tests/faults/local_run.h"
#include "tests/support/kafka_fixture.h"

namespace ride::test {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

class LogFaults : public KafkaTest {
 protected:
  void SetUp() override {
    KafkaTest::SetUp();
    run_ = std::make_unique<LocalRun>(bootstrap(), unique_name("log"));
    kafka::ClientConfig config;
    config.brokers = bootstrap();
    admin_ = kafka::open_admin(config).value();
  }

  std::unique_ptr<LocalRun> run_;
  std::unique_ptr<stream::TopicAdmin> admin_;
};

TEST_F(LogFaults, WhatRetentionTookBeforeItWasReadIsCountedAsExpired) {
  run_->start_agent("cameras", {"--slots", "0"});
  ASSERT_TRUE(
      run_->submit("ride: v1\nname: film\nsources:\n"
                   "  scene: { synthetic: { width: 64, height: 48, frames: 40 }, fps: max }\n"
                   "stages:\n  - { name: work, from: [scene], topic: { partitions: 2 }, task: grayscale }\n"
                   "sinks:\n  - { name: bin, from: [work], task: discard }\n"));
  const auto topic = run_->prefix() + ".film.1.work";
  ASSERT_TRUE(wait_until(60s, [&] {
    const auto range = admin_->range({topic, PartitionId{0}});
    return range.ok() && range->end == Offset{21};  // and its end record
  })) << run_->logs();
  ASSERT_TRUE(admin_->delete_before({topic, PartitionId{0}}, Offset{7}).ok());
  run_->start_agent("workers", {"--slots", "2", "--producers", "0"});
  ASSERT_TRUE(wait_until(60s, [&] { return run_->phase("film") == "completed"; })) << run_->events() << run_->logs();
  const auto stage = run_->stage("film", "work");
  EXPECT_EQ(stage["expired"], 7) << stage;
  EXPECT_EQ(stage["acked"], 33) << stage;
  EXPECT_EQ(run_->stage("film", "bin")["acked"], 33);
  EXPECT_THAT(run_->events(), HasSubstr("stage work: retention removed 7 records of " + topic + "/0"));
}

TEST_F(LogFaults, ATopicDeletedUnderAJobFailsThatJobLoudlyAndNoOther) {
  run_->start_agent("n1", {"--slots", "4"});
  for (const std::string job : {"first", "second"})
    ASSERT_TRUE(run_->submit("ride: v1\nname: " + job +
                             "\nsources:\n  scene: { synthetic: { width: 64, height: 48 }, fps: 20 }\n"
                             "stages:\n  - { name: work, from: [scene], topic: { partitions: 1 }, task: grayscale }\n"
                             "sinks:\n  - { name: bin, from: [work], task: discard }\n"));
  const auto acked = [&](const std::string& job) { return run_->stage(job, "bin").value("acked", 0); };
  ASSERT_TRUE(wait_until(60s, [&] { return acked("first") > 20 && acked("second") > 20; })) << run_->logs();
  const auto topic = run_->prefix() + ".first.1.work";
  ASSERT_TRUE(admin_->remove(topic).ok());
  EXPECT_TRUE(wait_until(60s, [&] { return run_->phase("first") == "failed"; })) << run_->events() << run_->logs();
  EXPECT_THAT(run_->get("/jobs/first").value("reason", ""), HasSubstr(topic));
  const auto before = acked("second");
  EXPECT_TRUE(wait_until(30s, [&] { return acked("second") > before + 40; })) << "the other job goes on";
  EXPECT_EQ(run_->phase("second"), "running");
}

}  // namespace
}  // namespace ride::test
