// Somebody sets the clock of a machine while frames flow: of the programs, not of this machine
// (tests/support/wall_clock.cc).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stream/kafka/admin.h"
#include "stream/kafka/reader.h"
#include "stream/kafka/writer.h"
#include "tests/faults/local_run.h"
#include "tests/support/kafka_fixture.h"
#include "tests/support/set_clock.h"

namespace ride::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using ::testing::HasSubstr;
using ::testing::Not;

const std::vector<std::string> kPrograms = {"ride-producer", "ride-worker", "ride-master", "ride-agent"};

class ClockStepTest : public KafkaTest {
 protected:
  void TearDown() override { set_wall_clock(0ms); }
  static kafka::ClientConfig config() {
    kafka::ClientConfig config;
    config.brokers = bootstrap();
    return config;
  }
  static Result<void> write(const std::string& topic) {
    auto writer = kafka::KafkaWriter::open(config()).value();
    const auto owner = std::make_shared<std::string>("frame");
    const stream::OutRecord record{
        "", {}, {reinterpret_cast<const std::uint8_t*>(owner->data()), owner->size()}, owner};
    Result<Offset> written = Error{ErrorCode::timeout, "not delivered"};
    auto sent = writer->send({topic, PartitionId{0}}, record, [&](const Result<Offset>& result) { written = result; });
    if (!sent.ok()) return sent;
    const auto flushed = writer->flush(20s);
    if (!written.ok()) return written.error();
    return flushed;
  }
};

TEST_F(ClockStepTest, FramesGoOnWhenTheClockOfAnyProgramIsSet) {
  SetClock clock(kPrograms);
  LocalRun run(bootstrap(), unique_name("clock"),
               {"LD_PRELOAD=" RIDE_WALL_CLOCK, "RIDE_TEST_WALL_CLOCK=" + clock.folder()});
  run.start_agent("n1", {"--slots", "2"});
  ASSERT_TRUE(
      run.submit("ride: v1\nname: film\nsources:\n  scene: { synthetic: { width: 64, height: 48 }, fps: 30 }\n"
                 "sinks:\n  - { name: bin, from: [scene], task: discard, topic: { partitions: 2 } }\n"));
  const auto acked = [&] { return run.stage("film", "bin").value("acked", 0); };
  ASSERT_TRUE(wait_until(60s, [&] { return acked() > 30; })) << run.logs();
  // The longest time without a new frame, seen by way of all four programs.
  const auto longest_stand = [&] {
    const auto begin = Clock::now();
    auto longest = Clock::duration(0), stands = longest;
    auto last = begin;
    for (auto frames = acked(); Clock::now() < begin + 3s || (stands > 1s && Clock::now() < begin + 60s);) {
      if (const auto now = acked(); now != frames) {
        last = Clock::now();
        frames = now;
      }
      stands = Clock::now() - last;
      longest = std::max(longest, stands);
      std::this_thread::sleep_for(50ms);
    }
    return longest;
  };
  struct Step {
    std::vector<std::string> programs;
    std::chrono::milliseconds ahead;
  };
  std::vector<Step> steps = {{kPrograms, -40s}, {kPrograms, 2h}};
  for (const auto& program : kPrograms) steps.push_back({{program}, -40s});
  for (const auto& step : steps) {
    for (const auto& program : step.programs) clock.set(program, step.ahead);
    // Two seconds, and what a loaded machine adds; the clock is set back by ten times that.
    EXPECT_LT(longest_stand(), 4s) << step.programs.size() << " programs from " << step.programs[0] << " on, set by "
                                   << step.ahead.count() << " ms";
    for (const auto& program : step.programs) clock.set(program, 0ms);
    EXPECT_LT(longest_stand(), 4s) << "set right again";
  }
  EXPECT_EQ(run.phase("film"), "running");
  const auto view = run.stage("film", "bin");
  EXPECT_EQ(view.value("dead", -1), 0) << view;
  EXPECT_EQ(view.value("expired", -1), 0) << view;
  EXPECT_THAT(run.logs(), Not(HasSubstr("Invalid timestamp")));
}

TEST_F(ClockStepTest, ATopicOfOursTakesRecordsFromAnyClockAndStampsThemWithTheBrokers) {
  const auto topic = unique_name("stamped");
  ASSERT_TRUE(kafka::open_admin(config()).value()->create({topic, 1, 1, {}}).ok());
  const auto before = system_now();
  for (const auto ahead : {std::chrono::milliseconds(2h), std::chrono::milliseconds(-2h)}) {
    set_wall_clock(ahead);
    const auto written = write(topic);
    EXPECT_TRUE(written.ok()) << written.error().message;
  }
  set_wall_clock(0ms);
  auto reader = kafka::KafkaReader::open(config(), {.group = "clock"}).value();
  ASSERT_TRUE(reader->assign({topic, PartitionId{0}}, Offset{0}).ok());
  int read = 0;
  wait_until(20s, [&] {
    const auto record = reader->poll(100ms);
    if (!record.ok() || !*record) return false;
    EXPECT_LT(std::chrono::abs((*record)->timestamp - before), 10min);
    return ++read == 2;
  });
  EXPECT_EQ(read, 2);
}

TEST_F(ClockStepTest, ATopicOfOthersThatRefusesAFastClockIsToldWithCauseAndFix) {
  const auto topic = unique_name("created");
  ASSERT_TRUE(
      kafka::open_admin(config())
          .value()
          ->create(
              {topic, 1, 1, {{"message.timestamp.type", "CreateTime"}, {"message.timestamp.after.max.ms", "3600000"}}})
          .ok());
  set_wall_clock(2h);
  const auto written = write(topic);
  ASSERT_FALSE(written.ok());
  EXPECT_FALSE(written.error().retriable) << written.error().message;
  EXPECT_THAT(written.error().message, HasSubstr("clock"));
  EXPECT_THAT(written.error().message, HasSubstr("message.timestamp.type=LogAppendTime"));
}

}  // namespace
}  // namespace ride::test
