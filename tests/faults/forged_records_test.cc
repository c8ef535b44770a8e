// Somebody else writes into a job's frame topics, end to end: what is forged is refused or reported, processes live,
// memory is bounded, every frame that is not hidden arrives once, and the job completes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stream/kafka/writer.h"
#include "tests/faults/local_run.h"
#include "tests/support/kafka_fixture.h"

namespace ride::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ForgedRecords : public KafkaTest {
 protected:
  void SetUp() override {
    KafkaTest::SetUp();
    run_ = std::make_unique<LocalRun>(bootstrap(), unique_name("forged"));
    topic_ = run_->prefix() + ".film.1.work";
  }

  // By default 200 frames in ten seconds; a worker may have little memory.
  void begin(int frames = 200) {
    run_->start_agent("n1", {"--slots", "3"});
    ASSERT_TRUE(
        run_->submit("ride: v1\nname: film\nsources:\n"
                     "  scene: { synthetic: { width: 64, height: 48, frames: " +
                     std::to_string(frames) +
                     " }, fps: 20 }\n"
                     "stages:\n  - { name: work, from: [scene], topic: { partitions: 2 }, task: identity,\n"
                     "      group: { min: 1, max: 1, spares: 1, memory: 500MiB } }\n"
                     "sinks:\n  - { name: bin, from: [work], task: discard }\n"));
    ASSERT_TRUE(
        wait_until(std::chrono::seconds(240), [&] { return run_->stage("film", "bin").value("acked", 0) > 10; }))
        << run_->events() << run_->logs();
    kafka::ClientConfig config;
    config.brokers = bootstrap();
    auto writer = kafka::KafkaWriter::open(config);
    ASSERT_TRUE(writer.ok()) << writer.error().message;
    writer_ = std::move(writer).value();
  }

  struct Forgery {
    std::int64_t session = 1, number = 0;
    std::string part = "1/1", chunk;
    int item = 0;
    std::string origin;  // empty: as the id says
  };
  void forge(const Forgery& what, int partition = 0, std::size_t bytes = 100) {
    const auto key = std::to_string(what.session) + "." + std::to_string(what.number);
    stream::Headers headers = {{"ce_type", "ride.frame"},
                               {"ride_format", "1"},
                               {"ce_source", "film/scene"},
                               {"ce_id", "scene/" + std::to_string(what.session) + "/" + std::to_string(what.number)},
                               {"ride_origin", what.origin.empty() ? "scene/0/" + key + "/1" : what.origin},
                               {"ride_part", what.part},
                               {"ride_item", std::to_string(what.item)},
                               {"ride_writer", "evil"}};
    if (!what.chunk.empty()) headers.emplace_back("ride_chunk", what.chunk);
    const auto value = std::make_shared<std::vector<std::uint8_t>>(bytes, 7);
    for (;;) {
      auto sent = writer_->send({topic_, PartitionId{partition}}, {"", headers, *value, value}, [](const auto&) {});
      if (sent.ok()) return;
      ASSERT_TRUE(sent.error().retriable) << sent.error().message;
      writer_->serve(std::chrono::milliseconds(20));
    }
  }
  void flush() { ASSERT_TRUE(writer_->flush(std::chrono::seconds(60)).ok()); }
  void expect_completed() {
    ASSERT_TRUE(wait_until(std::chrono::seconds(240), [&] { return run_->phase("film") == "completed"; }))
        << run_->events() << run_->logs();
  }

  std::unique_ptr<LocalRun> run_;
  std::unique_ptr<stream::RecordWriter> writer_;
  std::string topic_;
};

TEST_F(ForgedRecords, TwoSmallRecordsWhoseNumbersOverflowEndNoWorker) {
  begin();
  forge({.number = 150, .part = "1/3", .chunk = "1/2/0/200"});
  forge({.number = 150, .part = "2/3", .chunk = "1/1/0/9223372036854775807", .item = 1});
  flush();
  expect_completed();
  EXPECT_EQ(run_->stage("film", "work")["acked"], 200);
  EXPECT_THAT(run_->events(), Not(HasSubstr("worker_failed")));
  EXPECT_THAT(run_->events(), Not(HasSubstr("is out: its agent saw it end")));
}

// 600 MB of unfinished sets; a worker may have 500 MiB.
TEST_F(ForgedRecords, SetsThatNobodyCompletesDoNotFillTheMemory) {
  begin(1'000'000);  // frames flow as long as it takes
  for (int n = 0; n < 600; ++n) forge({.number = 10'000'000 + n, .part = "1/2"}, n % 2, 1'000'000);
  flush();
  EXPECT_TRUE(
      wait_until(std::chrono::seconds(240), [&] { return run_->events().find("sets_refused: ") != std::string::npos; }))
      << run_->events() << run_->logs();
  ASSERT_EQ(run_->ask_master({"drain", "film"}).code, 0);
  expect_completed();
  const auto acked = run_->stage("film", "bin")["acked"];
  EXPECT_GT(acked, 10);
  EXPECT_EQ(run_->stage("film", "work")["acked"], acked);
  EXPECT_THAT(run_->events(), Not(HasSubstr("child_out_of_memory")));
}

TEST_F(ForgedRecords, OriginsThatNobodyWasGivenHideNothing) {
  begin();
  forge({.number = 3, .origin = "scene/0/1.4611686018427387904/1"});
  forge({.session = 7});
  forge({.session = 4'000'000'000});
  flush();
  expect_completed();
  const auto stage = run_->stage("film", "work");
  EXPECT_EQ(stage["acked"], 200) << stage;
  EXPECT_EQ(stage["dead"], 3) << stage;
  EXPECT_THAT(run_->events(), HasSubstr("not_a_frame: "));
}

// Like one of the source's own in all that can be known: what it hides is reported, and the end is not lost with it.
TEST_F(ForgedRecords, AJobWhoseFramesAreHiddenSaysSoAndCompletes) {
  begin();
  forge({.number = 100'000});
  flush();
  expect_completed();
  EXPECT_THAT(run_->events(), HasSubstr("frames_hidden: "));
}

}  // namespace
}  // namespace ride::test
