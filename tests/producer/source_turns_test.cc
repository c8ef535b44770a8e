// A SourceRunner without a thread: the test takes its turns, and is its source and its clock.
#include <gtest/gtest.h>

#include "memory_access.h"
#include "producer/source_runner.h"

namespace ride::producer {
namespace {

using namespace std::chrono_literals;

// What the test puts into it.
struct Script {
  std::deque<Result<Pulled>> next;
  std::vector<std::int64_t> acknowledged;
  int opened = 0, closed = 0, cannot_be_opened = 0;
  SourceState state{.total = 100};
  std::vector<std::string> items;  // of a folder
};

class ScriptedSource final : public Source {
 public:
  ScriptedSource(Script& script, ItemManifest& manifest) : script_(script), manifest_(manifest) {}
  Result<void> open(std::int64_t) override {
    ++script_.opened;
    if (script_.cannot_be_opened-- > 0) return Error{ErrorCode::unavailable, "the disk is away", true};
    if (script_.items.empty()) return {};
    const auto known = manifest_.items([this] { return script_.items; });
    return known.ok() ? Result<void>() : known.error();
  }
  Result<Pulled> next(std::chrono::milliseconds timeout) override {
    EXPECT_EQ(timeout, 0ms) << "a turn without a thread never waits";
    if (script_.next.empty()) return Pulled(NothingYet{});
    auto pulled = std::move(script_.next.front());
    script_.next.pop_front();
    return pulled;
  }
  void close() override { ++script_.closed; }
  SourceState state() const override { return script_.state; }
  void acknowledged(std::int64_t number) override { script_.acknowledged.push_back(number); }

 private:
  Script& script_;
  ItemManifest& manifest_;
};

class SourceTurns : public ::testing::Test {
 protected:
  SourceTurns() {
    (void)log_->admin()->create({.name = "frames", .partitions = 1});
    job_->job = JobName{"job"};
    job_->run = RunNumber{1};
    job_->prefix = "p";
    job_->sources = {{.name = "src",
                      .kind = "synthetic",
                      .fps = 10,
                      .finite = true,
                      .params = {{"frames", std::int64_t{100}}},
                      .outputs = {{.to = "stage", .topic = "frames", .partitions = 1}}}};
    job_->stages = {{.name = "stage", .topic = "frames", .partitions = 1, .group_id = "group"}};
    start();
  }
  // Another owner of the same source; the one before is gone, and what it had in flight.
  void start() {
    runner_.reset();
    runner_ = std::make_unique<SourceRunner>(
        Assignment{.job = job_, .session = SessionId{1}}, "src",
        RunnerServices{.log = access_,
                       .budget = budget_,
                       .incarnation = "p#1",
                       .environment = environment_of({}),
                       .notify = [this](stream::Severity, const std::string& code, const std::string&,
                                        bool) { notices_.push_back(code); },
                       .changed = [] {},
                       .clock = {.now = [this] { return std::chrono::steady_clock::time_point(now_); },
                                 .wall = [this] { return SystemTime(1'800'000'000s) + now_; }}},
        [this](ItemManifest& manifest, auto&) {
          return MadeSource(std::make_unique<ScriptedSource>(script_, manifest));
        });
  }
  static Pulled picture(std::int64_t number) {
    CapturedFrame frame;
    frame.number = number;
    frame.image = cv::Mat(2, 3, CV_8U, cv::Scalar::all(1));
    return frame;
  }
  // `time` passes, with a turn every 10 ms.
  void pass(std::chrono::milliseconds time) {
    for (const auto end = now_ + time; now_ < end; now_ += 10ms) EXPECT_TRUE(runner_->turn());
  }
  Taken taken() { return read_topic(*log_, "frames", 1, "src"); }

  std::chrono::milliseconds now_{5'000};
  std::shared_ptr<stream::MemoryLog> log_ = stream::MemoryLog::make();
  MemoryAccess access_{log_};
  SharedBudget budget_{1 << 20};
  Script script_;
  std::vector<std::string> notices_;
  std::shared_ptr<stream::JobSpec> job_ = std::make_shared<stream::JobSpec>();
  std::unique_ptr<SourceRunner> runner_;
};

TEST_F(SourceTurns, PacesByTheClockThatItIsGiven) {
  for (int n = 0; n < 10; ++n) script_.next.emplace_back(picture(n));
  pass(50ms);
  EXPECT_EQ(taken().pictures.size(), 1U);
  pass(100ms);
  EXPECT_EQ(taken().pictures.size(), 2U);
  pass(300ms);
  EXPECT_EQ(taken().pictures.size(), 5U);
}

// The number of the end is that of the item at hand, which is not done with.
TEST_F(SourceTurns, DrainedWithAnItemAtHandTheSourceDoesNotHearThatItIsAcknowledged) {
  script_.next.emplace_back(picture(0));
  script_.next.emplace_back(picture(1));
  pass(50ms);
  runner_->set_mode(SourceMode::drain);
  pass(50ms);
  EXPECT_TRUE(runner_->progress().ended);
  EXPECT_EQ(script_.acknowledged, std::vector<std::int64_t>{0});
  EXPECT_EQ(taken().ended, 1);
}

TEST_F(SourceTurns, ASourceThatBrokeIsOpenedAgainAfterASecondAndGoesOnBehindWhatWasSent) {
  script_.next.emplace_back(picture(0));
  script_.next.emplace_back(Error{ErrorCode::unavailable, "the disk is away", true});
  pass(50ms);
  EXPECT_EQ(runner_->progress().error, "the disk is away");
  script_.next.emplace_back(picture(1));
  pass(800ms);
  EXPECT_EQ(script_.opened, 1);
  pass(300ms);
  EXPECT_EQ(script_.opened, 2);
  EXPECT_EQ(runner_->progress().error, "");
  EXPECT_EQ(taken().pictures.size(), 2U);
}

// An earlier run did two of its items (`//`): they have numbers, and are no frames.
TEST_F(SourceTurns, AFoldersNextOwnerNeverReportsMoreFramesThanThereAre) {
  job_->sources[0].kind = "directory";
  script_.items = {"a//", "b//", "c", "d"};
  script_.next.emplace_back(picture(2));
  start();
  pass(50ms);
  EXPECT_EQ(runner_->progress().frames, 1);
  script_.cannot_be_opened = 1;
  start();
  for (int turns = 0; turns < 120; ++turns, now_ += 10ms) {
    EXPECT_TRUE(runner_->turn());
    ASSERT_LE(runner_->progress().frames, 1) << turns;
  }
  EXPECT_EQ(runner_->progress().frames, 1);
  script_.next.emplace_back(picture(3));
  pass(200ms);
  EXPECT_EQ(runner_->progress().frames, 2);
}

// Kafka refuses the client for good: reported, and nothing else happens.
TEST_F(SourceTurns, WithoutAWriterItFailsInOrder) {
  access_.refuse_writers = true;
  pass(100ms);
  EXPECT_EQ(notices_, std::vector<std::string>{"source_failed"});
  runner_->set_mode(SourceMode::drain);
  pass(100ms);
  EXPECT_FALSE(runner_->progress().ended);
  runner_->stop();
  EXPECT_FALSE(runner_->turn());
}

TEST_F(SourceTurns, StoppedItTakesTurnsUntilWhatIsInFlightIsSettled) {
  access_.gate->deliver = false;
  script_.next.emplace_back(picture(0));
  pass(50ms);
  runner_->stop();
  pass(100ms);
  access_.gate->deliver = true;
  EXPECT_TRUE(runner_->turn());
  EXPECT_FALSE(runner_->turn());
  EXPECT_EQ(script_.acknowledged, std::vector<std::int64_t>{0});
  EXPECT_EQ(script_.closed, 1);
}

TEST_F(SourceTurns, StoppedItDoesNotWaitForKafkaWithoutEnd) {
  access_.gate->deliver = false;
  script_.next.emplace_back(picture(0));
  pass(50ms);
  runner_->stop();
  pass(5'000ms);
  EXPECT_FALSE(runner_->turn());
}

}  // namespace
}  // namespace ride::producer
