// The data plane of a stage against the in-memory log: real threads, real tasks, no Kafka.
#include "worker/stage_runner.h"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>

#include "stream/core/dead_letter.h"
#include "stream/frame_writer.h"
#include "stream/memory/memory_log.h"
#include "topology/diagnostic.h"
#include "topology/plan.h"
#include "topology/topology.h"
#include "worker/tasks/params.h"

namespace ride::worker {
namespace {

using namespace std::chrono_literals;
using stream::MemoryLog;
using stream::TopicPartition;

bool wait_for(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

using ProcessBody = std::function<Result<void>(const Frame&, tasks::Emitter&)>;

// A task whose process() is the function.
class GivenTask final : public tasks::Task {
 public:
  explicit GivenTask(ProcessBody body) : body_(std::move(body)) {}
  Result<void> open(const tasks::TaskEnv&) override { return {}; }
  Result<void> process(const Frame& frame, tasks::Emitter& out) override { return body_(frame, out); }

 private:
  ProcessBody body_;
};

// Declared as `grayscale`, which takes no parameters.
tasks::TaskType task_that(ProcessBody body) {
  auto type = *tasks::builtin_tasks().find("grayscale");
  type.make = [body] { return std::make_unique<GivenTask>(body); };
  return type;
}

class StageRunnerTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(log->admin()->create({"in", 2, 1, {}}).ok());
    ASSERT_TRUE(log->admin()->create({"out", 3, 1, {}}).ok());
    ASSERT_TRUE(log->admin()->create({"in.dead", 1, 1, {}}).ok());
    stage.name = "grey";
    stage.topic = "in";
    stage.partitions = 2;
    stage.group_id = "ride.job.1.grey";
    stage.upstreams = {{"cam", 1, true}};
    stage.task = "grayscale";
    stage.outputs = {{.to = "next", .topic = "out", .partitions = 3}};
    for (int p = 0; p < 2; ++p)
      ASSERT_TRUE(log->commits()->commit(stage.group_id, {{{"in", PartitionId{p}}, {Offset{0}, ""}}}).ok());
  }

  void send(int count, int first = 0, bool end = false) {
    auto writer = log->writer();
    stream::FrameSetWriter frames(*writer, {.job = "job",
                                            .run = RunNumber{1},
                                            .source = "cam",
                                            .writer = "p",
                                            .outputs = {{.to = "grey", .topic = "in", .partitions = 2}},
                                            .default_codec = ""});
    for (int n = first; n < first + count; ++n) {
      Frame frame;
      frame.id = {"cam", SessionId{1}, n};
      frame.image = cv::Mat(10, 10, CV_8UC3, cv::Scalar::all(n % 256));
      ASSERT_TRUE(frames.write(frame, {}).ok());
    }
    if (end) {
      ASSERT_TRUE(frames.write_end(SessionId{1}, first + count, SystemTime{}, {}).ok());
    }
    ASSERT_TRUE(frames.flush(5s).ok());
  }

  std::unique_ptr<StageRunner> start() {
    StageRunner::Config config;
    config.job = JobName{"job"};
    config.run = RunNumber{1};
    config.stage = stage;
    config.worker = WorkerId{"w#" + std::to_string(++incarnations)};
    if (task)
      config.task = *task;
    else if (const auto* builtin = tasks::builtin_tasks().find(stage.task))
      config.task = *builtin;
    config.note = note;
    if (held_bytes > 0) config.held_bytes = held_bytes;
    config.space_patience = 200ms;
    config.checks_sessions = checks_sessions;
    StagePorts ports{make_reader(),
                     log->writer(),
                     log->commits(),
                     [](const TopicPartition&) { return std::nullopt; },
                     {},
                     [log = log](const TopicPartition& at) { return log->admin()->range(at); }};
    return std::make_unique<StageRunner>(
        std::move(config), std::move(ports),
        [this](stream::Severity, const std::string& code, const std::string& text, bool) {
          const std::lock_guard lock(mutex);
          notices.push_back(code + ": " + text);
        },
        [this](PartitionId partition) {
          const std::lock_guard lock(mutex);
          released.insert(partition);
        });
  }
  // As anybody may write them.
  void write(int partition, const stream::Headers& headers, std::size_t bytes = 100) {
    auto writer = log->writer();
    const auto value = std::make_shared<std::vector<std::uint8_t>>(bytes, 7);
    ASSERT_TRUE(writer->send({"in", PartitionId{partition}}, {"", headers, *value, value}, [](const auto&) {}).ok());
    ASSERT_TRUE(writer->flush(5s).ok());
  }
  static stream::Headers forged(std::int64_t session, std::int64_t number, const std::string& part = "1/1",
                                const std::string& chunk = "") {
    const auto key = std::to_string(session) + "." + std::to_string(number);
    stream::Headers headers = {{"ce_type", "ride.frame"},
                               {"ride_format", "1"},
                               {"ride_origin", "cam/0/" + key + "/1"},
                               {"ce_id", "cam/" + std::to_string(session) + "/" + std::to_string(number)},
                               {"ride_part", part},
                               {"ride_writer", "evil"}};
    if (!chunk.empty()) headers.emplace_back("ride_chunk", chunk);
    return headers;
  }
  void take_all(StageRunner& runner, std::int64_t epoch = 1) {
    for (int p = 0; p < 2; ++p) ASSERT_TRUE(runner.assign(PartitionId{p}, Epoch{epoch}).ok());
  }

  // What a reader of `out` counts, by id; ends per partition.
  std::map<std::string, int> counted() {
    std::map<std::string, int> numbers;
    ends = 0;
    for (int p = 0; p < 3; ++p) {
      stream::SetAssembler assembler({{"out", PartitionId{p}}, "job", {{"grey", 2}}, {}}, {});
      for (const auto& record : log->records({"out", PartitionId{p}})) {
        auto step = assembler.add(record.offset, record.timestamp, record.headers, {record.value, nullptr});
        if (step.all_ended) ++ends;
        if (step.accepted && step.accepted->kind != stream::RecordKind::end)
          ++numbers[to_string(step.accepted->header.id)];
      }
    }
    return numbers;
  }
  bool each_once(int count) {
    const auto numbers = counted();
    if (static_cast<int>(numbers.size()) != count) return false;
    for (const auto& [number, times] : numbers)
      if (times != 1) return false;
    return true;
  }
  // What lies in the dead topic, as a person would see it.
  std::vector<stream::DeathNotice> dead() {
    std::vector<stream::DeathNotice> notices;
    for (const auto& record : log->records({"in.dead", PartitionId{0}}))
      notices.push_back(stream::decode_death(record.headers).value());
    return notices;
  }
  Offset committed(int partition) {
    const TopicPartition at{"in", PartitionId{partition}};
    return log->commits()->committed(stage.group_id, {at}).value().at(at)->offset;
  }
  bool has_notice(const std::string& code) {
    const std::lock_guard lock(mutex);
    return std::any_of(notices.begin(), notices.end(), [&](const auto& one) { return one.starts_with(code); });
  }

  std::shared_ptr<MemoryLog> log = MemoryLog::make();
  stream::StageSpec stage;
  std::optional<tasks::TaskType> task;  // absent: the built-in one of the stage
  CrashNote* note = nullptr;
  std::int64_t held_bytes = 0;
  bool checks_sessions = false;
  std::function<std::shared_ptr<stream::RecordReader>()> make_reader = [this] { return log->reader(); };
  int incarnations = 0, ends = 0;
  std::mutex mutex;
  std::vector<std::string> notices;
  std::set<PartitionId> released;
};

TEST_F(StageRunnerTest, EveryFrameGoesThroughTheTaskAndIsCommitted) {
  send(20);
  auto runner = start();
  take_all(*runner);
  EXPECT_TRUE(wait_for([&] { return each_once(20); }));
  EXPECT_TRUE(wait_for([&] { return committed(0) == Offset{10} && committed(1) == Offset{10}; }));
}

TEST_F(StageRunnerTest, TheNextOwnerResumesAndNothingIsLostOrCountedTwice) {
  send(30);
  for (int owner = 0; owner < 5; ++owner) {
    auto runner = start();
    take_all(*runner, owner + 1);
    wait_for([&] { return counted().size() > static_cast<std::size_t>(owner * 5); });
    // dropped here, in the middle of its work
  }
  auto runner = start();
  take_all(*runner, 9);
  EXPECT_TRUE(wait_for([&] { return each_once(30); }));
}

TEST_F(StageRunnerTest, TheEndGoesOnOnceAllBeforeItIsAcked) {
  send(12, 0, true);
  auto runner = start();
  take_all(*runner);
  EXPECT_TRUE(wait_for([&] { return each_once(12) && ends == 3; }));
  EXPECT_TRUE(wait_for([&] {
    const auto progress = runner->progress();
    return progress.size() == 2 && progress[0].ended && progress[1].ended;
  }));
}

TEST_F(StageRunnerTest, AnEndedPartitionStaysEndedForItsNextOwner) {
  send(4, 0, true);
  {
    auto runner = start();
    take_all(*runner);
    ASSERT_TRUE(wait_for([&] { return committed(0) == Offset{3} && committed(1) == Offset{3}; }));
  }
  auto runner = start();
  take_all(*runner, 2);
  EXPECT_TRUE(runner->progress()[0].ended);
  EXPECT_EQ(runner->progress()[0].counters.acked, 2);
}

TEST_F(StageRunnerTest, AReleasedPartitionIsFinishedAndCommittedFirst) {
  send(10);
  auto runner = start();
  take_all(*runner);
  ASSERT_TRUE(wait_for([&] { return each_once(10); }));
  runner->release(PartitionId{0});
  EXPECT_TRUE(wait_for([&] {
    const std::lock_guard lock(mutex);
    return released.contains(PartitionId{0});
  }));
  EXPECT_EQ(committed(0), Offset{5});
  EXPECT_EQ(runner->owned(), std::vector<PartitionId>{PartitionId{1}});
}

TEST_F(StageRunnerTest, AReleaseWaitsForTheFrameInWorkAndLeavesTheRestToTheNextOwner) {
  std::atomic<int> begun = 0, allowed = 0;
  task = task_that([&](const Frame& frame, tasks::Emitter& out) -> Result<void> {
    const int mine = ++begun;
    wait_for([&] { return allowed >= mine; });
    out.emit(frame);
    return {};
  });
  send(40);
  auto first = start();
  take_all(*first);
  ASSERT_TRUE(wait_for([&] { return begun == 1; }));
  first->release(PartitionId{0});
  first->release(PartitionId{1});
  allowed = 1;
  ASSERT_TRUE(wait_for([&] {
    const std::lock_guard lock(mutex);
    return released.size() == 2;
  }));
  EXPECT_EQ(begun, 1) << "39 frames were read and not begun";
  allowed = 1000;
  auto next = start();
  take_all(*next, 2);
  EXPECT_TRUE(wait_for([&] { return each_once(40); }));
  EXPECT_EQ(begun, 40) << "no frame was worked on twice";
}

TEST_F(StageRunnerTest, AReleasedPartitionsTaskIsClosedBeforeTheNextOwnersBegins) {
  std::atomic<int> closed = 0;
  task = task_that({});
  task->make = [&closed]() -> std::unique_ptr<tasks::Task> {
    class Counting final : public tasks::Task {
     public:
      explicit Counting(std::atomic<int>& closed) : closed_(closed) {}
      Result<void> open(const tasks::TaskEnv&) override { return {}; }
      Result<void> process(const Frame& frame, tasks::Emitter& out) override {
        out.emit(frame);
        return {};
      }
      void close() override { ++closed_; }

     private:
      std::atomic<int>& closed_;
    };
    return std::make_unique<Counting>(closed);
  };
  send(10);
  auto runner = start();
  take_all(*runner);
  ASSERT_TRUE(wait_for([&] { return each_once(10); }));
  runner->release(PartitionId{0});
  ASSERT_TRUE(wait_for([&] {
    const std::lock_guard lock(mutex);
    return released.contains(PartitionId{0});
  }));
  EXPECT_EQ(closed, 1);
  runner.reset();
  EXPECT_EQ(closed, 2);
}

// A topic that others write, and go on writing: the drain says where this job ends in it.
class AdoptedStage : public StageRunnerTest {
 protected:
  void SetUp() override {
    StageRunnerTest::SetUp();
    stage.adopt = stream::AdoptSpec{"raw", "10x10x1", "8u"};
    stage.upstreams.clear();
  }
  void others_write(int count) {
    auto writer = log->writer();
    const auto pixels = std::make_shared<std::vector<std::uint8_t>>(100);
    for (int n = 0; n < count; ++n)
      ASSERT_TRUE(writer->send({"in", PartitionId{n % 2}}, {"", {}, *pixels, pixels}, {}).ok());
    ASSERT_TRUE(writer->flush(5s).ok());
  }
  bool has_ended(StageRunner& runner) {
    return wait_for([&] {
      const auto progress = runner.progress();
      return progress.size() == 2 && progress[0].ended && progress[1].ended;
    });
  }
};

TEST_F(AdoptedStage, EndsWhereTheDrainSaysAndReadsNothingBehindIt) {
  others_write(20);
  auto runner = start();
  runner->end_at({{PartitionId{0}, Offset{4}}, {PartitionId{1}, Offset{6}}});
  take_all(*runner);
  EXPECT_TRUE(wait_for([&] { return each_once(10) && ends == 3; }));
  EXPECT_TRUE(has_ended(*runner));
  EXPECT_EQ(committed(0), Offset{4});
  EXPECT_EQ(committed(1), Offset{6});
  EXPECT_EQ(runner->progress()[0].end, 4) << "nothing waits for this job any more";
}

TEST_F(AdoptedStage, EndsAtOnceWhereItHasReadBeyondItAndOthersGoOn) {
  others_write(20);
  auto runner = start();
  take_all(*runner);
  ASSERT_TRUE(wait_for([&] { return each_once(20); }));
  runner->end_at({{PartitionId{0}, Offset{4}}, {PartitionId{1}, Offset{12}}});
  others_write(20);
  EXPECT_TRUE(has_ended(*runner));
  EXPECT_EQ(committed(0), Offset{10});
  EXPECT_GE(committed(1), Offset{12});
}

TEST_F(AdoptedStage, TheEndPassesWhatAPredecessorSentFromBehindIt) {
  others_write(20);
  {
    auto lost = start();
    take_all(*lost);
    ASSERT_TRUE(wait_for([&] { return each_once(20); }));
  }
  // Its commits were lost with it.
  for (int p = 0; p < 2; ++p)
    ASSERT_TRUE(log->commits()->commit(stage.group_id, {{{"in", PartitionId{p}}, {Offset{0}, ""}}}).ok());
  auto runner = start();
  runner->end_at({{PartitionId{0}, Offset{4}}, {PartitionId{1}, Offset{4}}});
  take_all(*runner, 2);
  EXPECT_TRUE(has_ended(*runner));
  EXPECT_TRUE(each_once(20));
  EXPECT_EQ(ends, 3) << "whoever reads the outputs takes the end";
}

TEST_F(AdoptedStage, AnEmptyTopicEndsToo) {
  auto runner = start();
  take_all(*runner);
  runner->end_at({{PartitionId{0}, Offset{0}}, {PartitionId{1}, Offset{0}}});
  EXPECT_TRUE(has_ended(*runner));
}

TEST_F(StageRunnerTest, ARecordThatIsNoFrameIsDeadAndItsNeighboursAreDelivered) {
  send(2);
  auto writer = log->writer();
  ASSERT_TRUE(writer->send({"in", PartitionId{0}}, {"", {{"who", "me"}}, {}, nullptr}, {}).ok());
  ASSERT_TRUE(writer->flush(1s).ok());
  send(2, 2);
  auto runner = start();
  take_all(*runner);
  EXPECT_TRUE(wait_for([&] { return each_once(5); })) << "four frames and the outcome of the stranger";
  EXPECT_TRUE(wait_for([&] { return has_notice("not_a_frame"); }));
  EXPECT_TRUE(wait_for([&] { return committed(0) == Offset{3}; }));
  EXPECT_EQ(counted().count("in/0/1"), 1U) << "known by its place in the log";
  ASSERT_EQ(dead().size(), 1U);
  EXPECT_EQ(dead()[0].at, (TopicPartition{"in", PartitionId{0}}));
  EXPECT_EQ(dead()[0].offset, Offset{1});
  EXPECT_TRUE(dead()[0].reason.starts_with("not_a_frame: ")) << dead()[0].reason;
  const auto copy = log->records({"in.dead", PartitionId{0}})[0];
  EXPECT_EQ(copy.headers.front(), (std::pair<std::string, std::string>("who", "me"))) << "as it was";
}

TEST_F(StageRunnerTest, APictureThatTheTaskRefusesIsDeadWithTheReason) {
  stage.task = "gaussian_blur";
  stage.params = {{"ksize", std::int64_t{5}}, {"sigma", 0.0}};
  stage.max_pixels = 50;  // the frames have 100
  send(4);
  auto runner = start();
  take_all(*runner);
  EXPECT_TRUE(wait_for([&] { return has_notice("frame_dead"); }));
  EXPECT_TRUE(wait_for([&] {
    const auto progress = runner->progress();
    return progress[0].counters.dead + progress[1].counters.dead == 4;
  }));
  ASSERT_EQ(dead().size(), 4U) << "each has its copy before it is ACKed";
  for (const auto& notice : dead()) {
    EXPECT_EQ(notice.stage, "grey");
    EXPECT_TRUE(notice.reason.starts_with("bad_picture: ")) << notice.reason;
  }
  const auto copy = log->records({"in.dead", PartitionId{0}})[0];
  EXPECT_EQ(copy.value.size(), 300U) << "the picture as it came";
  EXPECT_EQ(stream::decode_header(copy.headers)->id.source, "cam");
}

TEST_F(StageRunnerTest, AJobWithOtherParametersThanItsTaskDeclaresIsToldAndEndsNoWorker) {
  const std::int64_t two = 2;
  const std::vector<ParamValues> wrong = {{{"ksize", std::string("x")}, {"sigma", 0.0}},
                                          {{"ksize", two}, {"sigma", 0.0}}};
  for (const auto& params : wrong) {
    stage.task = "gaussian_blur";
    stage.params = params;
    notices.clear();
    auto runner = start();
    EXPECT_TRUE(wait_for([&] {
      const std::lock_guard lock(mutex);
      return std::any_of(notices.begin(), notices.end(), [](const auto& text) {
        return text.find("has other parameters than it declares") != std::string::npos;
      });
    })) << ::testing::PrintToString(notices);
  }
}

TEST_F(StageRunnerTest, ACondemnedFrameIsNotRunAndItsNeighboursAre) {
  std::set<std::int64_t> ran;
  std::mutex guard;
  task = task_that([&](const Frame& frame, tasks::Emitter& out) -> Result<void> {
    {
      const std::lock_guard lock(guard);
      ran.insert(frame.id.number);
    }
    out.emit(frame);
    return {};
  });
  send(10);
  auto runner = start();
  runner->quarantine({{{PartitionId{1}, Offset{2}}, {"poison: signal 11 on a, it hung on b", 2}}});  // frame 5
  take_all(*runner);
  EXPECT_TRUE(wait_for([&] { return each_once(10); })) << "its outcome stands in its outputs' place";
  EXPECT_TRUE(wait_for([&] { return committed(0) == Offset{5} && committed(1) == Offset{5}; }));
  EXPECT_EQ(ran, (std::set<std::int64_t>{0, 1, 2, 3, 4, 6, 7, 8, 9}));
  ASSERT_EQ(dead().size(), 1U);
  EXPECT_EQ(dead()[0].offset, Offset{2});
  EXPECT_EQ(dead()[0].attempts, 2);
  EXPECT_EQ(dead()[0].reason, "poison: signal 11 on a, it hung on b");
  EXPECT_TRUE(
      wait_for([&] { return runner->progress()[1].counters == stream::OutcomeCounters{.acked = 4, .dead = 1}; }));
}

TEST_F(StageRunnerTest, TheCrashNoteNamesTheFrameThatIsInsideProcess) {
  auto shared = CrashNote::make().value();
  note = &shared;
  stage.frame_timeout_ms = 1234;
  std::atomic<bool> go_on = false;
  task = task_that([&](const Frame& frame, tasks::Emitter& out) -> Result<void> {
    while (frame.id.number == 2 && !go_on) {
      out.progress();
      std::this_thread::sleep_for(1ms);
    }
    out.emit(frame);
    return {};
  });
  send(5);
  auto runner = start();
  take_all(*runner);
  ASSERT_TRUE(wait_for([&] { return shared.read() && shared.read()->at.frame == "cam/1/2"; }));
  const auto noted = *shared.read();
  EXPECT_EQ(noted.at,
            (FrameAtWork{JobName{"job"}, RunNumber{1}, StageName{"grey"}, PartitionId{0}, Offset{1}, "cam/1/2"}));
  EXPECT_EQ(noted.allowed, 1234ms);
  EXPECT_TRUE(wait_for([&] { return shared.read()->moved > noted.moved; })) << "progress() is seen outside";
  go_on = true;
  EXPECT_TRUE(wait_for([&] { return each_once(5); }));
  EXPECT_TRUE(wait_for([&] { return !shared.read(); })) << "waiting for Kafka is not being inside";
}

TEST_F(StageRunnerTest, ATaskThatThrowsLeavesADeadLetterAtOnce) {
  task = task_that([&](const Frame& frame, tasks::Emitter& out) -> Result<void> {
    if (frame.id.number == 3) throw std::runtime_error("no such luck");
    out.emit(frame);
    return {};
  });
  send(6);
  auto runner = start();
  take_all(*runner);
  EXPECT_TRUE(wait_for([&] { return each_once(6); }));
  ASSERT_EQ(dead().size(), 1U);
  EXPECT_EQ(dead()[0].reason, "task_error: no such luck");
  EXPECT_EQ(dead()[0].attempts, 1);
}

TEST_F(StageRunnerTest, WhatRetentionTookIsCountedAsExpiredAndThePartitionGoesOn) {
  send(20);
  ASSERT_TRUE(log->admin()->delete_before({"in", PartitionId{0}}, Offset{4}).ok());
  {
    auto runner = start();
    take_all(*runner);
    EXPECT_TRUE(wait_for([&] { return each_once(16); }));
    EXPECT_TRUE(wait_for([&] { return committed(0) == Offset{10} && committed(1) == Offset{10}; }));
    EXPECT_TRUE(has_notice("frames_expired: stage grey: retention removed 4 records of in/0 (from offset 0 on)"));
    EXPECT_EQ(runner->progress()[0].counters, (stream::OutcomeCounters{.acked = 6, .expired = 4}));
    EXPECT_EQ(runner->progress()[1].counters, (stream::OutcomeCounters{.acked = 10}));
  }
  auto runner = start();
  take_all(*runner, 2);
  EXPECT_EQ(runner->progress()[0].counters.expired, 4) << "its next owner knows of them";
}

TEST_F(StageRunnerTest, ACommitAboveTheLogsEndIsALoudErrorNeverAReset) {
  send(4);
  ASSERT_TRUE(log->commits()->commit(stage.group_id, {{{"in", PartitionId{0}}, {Offset{99}, ""}}}).ok());
  auto runner = start();
  take_all(*runner);
  EXPECT_TRUE(wait_for([&] { return has_notice("offset_lost"); }));
  EXPECT_EQ(committed(0), Offset{99});
}

// The scores that left the stage, by frame, each counted once.
std::map<std::int64_t, std::string> scores(MemoryLog& log) {
  std::map<std::int64_t, std::string> scores;
  for (int p = 0; p < 3; ++p)
    for (const auto& record : log.records({"out", PartitionId{p}})) {
      const auto header = stream::decode_header(record.headers).value();
      if (header.kind == stream::RecordKind::frame)
        scores.try_emplace(header.id.number, header.attributes.at("motion"));
    }
  return scores;
}

TEST_F(StageRunnerTest, ANewOwnersTaskIsWarmedUpSoThatItsResultsAreTheSame) {
  stage.task = "motion";
  stage.params = {{"threshold", 25.0}, {"emit", std::string("all")}, {"min_area", 0.005}};
  stage.partition_by = stream::PartitionBy::source;
  stage.upstreams = {{"cam", 1, true}};
  const auto send_squares = [&](int first, int count) {
    auto writer = log->writer();
    stream::FrameSetWriter frames(
        *writer,
        {.job = "job",
         .run = RunNumber{1},
         .source = "cam",
         .writer = "p",
         .outputs = {{.to = "grey", .topic = "in", .partitions = 2, .partition_by = stream::PartitionBy::source}},
         .default_codec = ""});
    for (int n = first; n < first + count; ++n) {
      Frame frame;
      frame.id = {"cam", SessionId{1}, n};
      frame.image = cv::Mat(10, 10, CV_8UC1, cv::Scalar(0));
      frame.image(cv::Rect(0, 0, 10, n % 11)).setTo(200);  // another row each time, and all of them gone at once
      ASSERT_TRUE(frames.write(frame, {}).ok());
    }
    ASSERT_TRUE(frames.flush(5s).ok());
  };
  send_squares(0, 8);
  for (int owner = 1; owner <= 3; ++owner) {
    auto runner = start();
    take_all(*runner, owner);
    ASSERT_TRUE(wait_for([&] { return static_cast<int>(scores(*log).size()) == 8 * owner; }));
    ASSERT_TRUE(wait_for([&] { return std::max(committed(0), committed(1)) == Offset{8 * owner}; }));
    runner.reset();
    send_squares(8 * owner, 8);
  }
  const auto found = scores(*log);
  for (int n = 1; n < 24; ++n)
    EXPECT_EQ(found.at(n), n % 11 == 0 ? "1.000000" : "0.100000") << "frame " << n << ": its owner knew the one before";
  EXPECT_EQ(counted().size(), 24U) << "warming up emits nothing";
}

// ---- a task from outside this binary

// Sends the frames below a number one way and the others another; known to this test alone.
class SortOut final : public tasks::Task {
 public:
  struct Options {
    int below = 0;
  };
  static const tasks::Params<Options>& params() {
    static const tasks::Params<Options> kParams{{"below",
                                                 &Options::below,
                                                 "Frames with a lower number go to 'early'",
                                                 {.min = 0, .max = 1000, .required = true}}};
    return kParams;
  }
  static tasks::TaskType type() {
    return {{.name = "sort_out", .doc = "Two ways.", .params = params().specs(), .outputs = {"late", "early"}},
            [] { return std::make_unique<SortOut>(); }};
  }
  Result<void> open(const tasks::TaskEnv& env) override {
    options_ = params().read(env.params);
    return {};
  }
  Result<void> process(const Frame& frame, tasks::Emitter& out) override {
    frame.id.number < options_.below ? out.emit("early", frame) : out.emit(frame);
    return {};
  }

 private:
  Options options_;
};

class ForeignTask : public StageRunnerTest {
 protected:
  static constexpr const char* kTopology = R"(
ride: v1
name: job
sources:
  cam: { synthetic: { width: 10, height: 10, frames: 10 }, fps: 10 }
stages:
  - { name: grey, from: [cam], topic: { partitions: 2 }, task: sort_out, params: { below: 4 } }
sinks:
  - { name: rest, from: [grey], topic: { partitions: 3 }, task: discard }
  - { name: first, from: [grey.early], topic: { partitions: 1 }, task: discard }
)";
  static topology::ParseOutcome parse(const std::string& text, const TaskCatalog& catalog) {
    return topology::parse_topology(text, "t.yaml", catalog, environment_of({}));
  }
  // The stage as the master makes it of the topology, with the topics of this test.
  void plan(const topology::Topology& topology) {
    const auto plan = topology::make_plan(topology, RunNumber{1}, "ride", {});
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    const auto spec = topology::to_job_spec(*plan);
    stage.task = spec.stages[0].task;
    stage.params = spec.stages[0].params;
    stage.outputs = spec.stages[0].outputs;
    ASSERT_EQ(stage.outputs.size(), 2U);
    for (auto& output : stage.outputs) output.topic = output.to == "rest" ? "out" : "early";
    ASSERT_TRUE(log->admin()->create({"early", 1, 1, {}}).ok());
  }
  // Frames by their number; outcomes, which say that a frame did not come this way, are left out.
  std::set<std::int64_t> frames_in(const std::string& topic, int partitions) {
    std::set<std::int64_t> numbers;
    for (int p = 0; p < partitions; ++p)
      for (const auto& record : log->records({topic, PartitionId{p}})) {
        const auto header = stream::decode_header(record.headers).value();
        if (header.kind == stream::RecordKind::frame) numbers.insert(header.id.number);
      }
    return numbers;
  }

  const tasks::TaskRegistry registry = tasks::builtin_tasks().with(SortOut::type());
};

TEST_F(ForeignTask, RunsWithThePortsAndParametersThatItDeclares) {
  const auto outcome = parse(kTopology, registry.catalog());
  ASSERT_TRUE(outcome.topology) << render(outcome.diagnostics, kTopology);
  plan(*outcome.topology);
  task = *registry.find(stage.task);
  send(10);
  auto runner = start();
  take_all(*runner);
  EXPECT_TRUE(wait_for([&] { return committed(0) == Offset{5} && committed(1) == Offset{5}; }));
  EXPECT_EQ(frames_in("early", 1), (std::set<std::int64_t>{0, 1, 2, 3}));
  EXPECT_EQ(frames_in("out", 3), (std::set<std::int64_t>{4, 5, 6, 7, 8, 9}))
      << "its default port is its first one, not 'out'";
}

TEST_F(ForeignTask, IsUnknownWhereNobodyRegisteredIt) {
  const auto outcome = parse(kTopology, tasks::builtin_tasks().catalog());
  EXPECT_FALSE(outcome.topology);
  EXPECT_NE(render(outcome.diagnostics, kTopology).find("unknown task 'sort_out'"), std::string::npos);
  stage.task = "sort_out";
  auto runner = start();
  EXPECT_TRUE(wait_for([&] { return has_notice("task_open_failed: this worker has no task 'sort_out'"); }));
}

TEST_F(ForeignTask, IsNotOpenedWithParametersThatItDoesNotDeclare) {
  task = SortOut::type();
  stage.task = "sort_out";
  const std::vector<ParamValues> wrong = {
      {}, {{"below", std::int64_t{1001}}}, {{"below", std::int64_t{1}}, {"odd", true}}};
  for (const auto& params : wrong) {
    stage.params = params;
    {
      const std::lock_guard lock(mutex);
      notices.clear();
    }
    auto runner = start();
    EXPECT_TRUE(
        wait_for([&] { return has_notice("task_open_failed: task 'sort_out' of stage grey has other parameters"); }));
  }
}

// ---- what strangers write

TEST_F(StageRunnerTest, TwoRecordsWhoseNumbersOverflowStopNothing) {
  write(0, forged(1, 0, "1/3", "1/2/0/200"));
  auto second = forged(1, 0, "2/3", "1/1/0/9223372036854775807");
  second.emplace_back("ride_item", "1");
  write(0, second);
  send(10, 0, true);
  auto runner = start();
  take_all(*runner);
  EXPECT_TRUE(wait_for([&] { return counted().size() == 11 && ends == 3; })) << "ten frames, and an outcome 'dead'";
  EXPECT_EQ(dead().size(), 1U);
  EXPECT_FALSE(runner->failed());
}

TEST_F(StageRunnerTest, SetsThatNobodyCompletesTakeNoMoreThanTheirBudget) {
  held_bytes = 1 << 20;
  for (int n = 0; n < 50; ++n) write(n % 2, forged(1, 1000 + n, "1/2"), 100'000);
  send(10, 0, true);
  auto runner = start();
  take_all(*runner);
  EXPECT_TRUE(wait_for([&] { return each_once(10) && ends == 3; })) << "and the end goes on";
  EXPECT_GE(runner->stats().refused_sets, 35);
  EXPECT_TRUE(has_notice("sets_refused: stage grey"));
}

// It waits for memory, since somebody announced all of it; and nobody ever sends it.
TEST_F(StageRunnerTest, ALargeFrameDoesNotWaitForEverForRoomThatIsOnlyAnnounced) {
  held_bytes = 1 << 20;
  write(0, forged(1, 1000, "1/2", "1/2/0/1000000"));
  auto runner = start();
  take_all(*runner);
  ASSERT_TRUE(wait_for([&] { return runner->progress()[0].position == 1; }));
  auto writer = log->writer();
  const std::vector<std::uint8_t> pixels(90'000, 9);
  stream::RecordHeader header;
  header.id = {"cam", SessionId{1}, 1};
  header.content_type = stream::kRawContentType;
  header.pixels = stream::PixelFormat{300, 300, 1, CV_8U};
  std::vector<stream::SetFrame> frames(1);
  frames[0] = {header, {pixels, nullptr}};
  for (auto& record : make_frame_set({"job", "cam", "p", {{"cam", PartitionId{0}}, {1, 1}, RunNumber{1}}},
                                     std::move(frames), {.whole_bytes = 50'000, .chunk_bytes = 50'000}))
    ASSERT_TRUE(writer->send({"in", PartitionId{1}}, std::move(record), [](const auto&) {}).ok());
  ASSERT_TRUE(writer->flush(5s).ok());
  EXPECT_TRUE(wait_for([&] { return each_once(1); }));
  EXPECT_TRUE(dead().empty());
}

TEST_F(StageRunnerTest, ASessionThatWasNeverGivenOutIsRefusedOnceTheDecisionsHaveBeenRead) {
  checks_sessions = true;
  send(4);
  write(0, forged(7, 0));
  write(0, forged(7, 2));
  send(4, 4, true);
  auto runner = start();
  runner->know_sessions({{"cam", SessionId{1}}});
  take_all(*runner);
  ASSERT_TRUE(wait_for([&] { return runner->decisions_wanted() == 1; }));
  std::this_thread::sleep_for(50ms);
  EXPECT_TRUE(dead().empty()) << "it may be behind";
  runner->decisions_were_read(1);
  EXPECT_TRUE(wait_for([&] { return dead().size() == 2; }));
  EXPECT_EQ(runner->decisions_wanted(), 1) << "both were written before that";
  EXPECT_TRUE(wait_for([&] { return counted().size() == 10 && ends == 3; })) << "eight frames, and two outcomes 'dead'";
}

TEST_F(StageRunnerTest, ASessionThatTheWorkerLearnsOfLateIsTaken) {
  checks_sessions = true;
  send(6, 0, true);
  auto runner = start();
  take_all(*runner);
  ASSERT_TRUE(wait_for([&] { return runner->decisions_wanted() > 0; }));
  runner->know_sessions({{"cam", SessionId{1}}});
  runner->decisions_were_read(runner->decisions_wanted());
  EXPECT_TRUE(wait_for([&] {
    runner->decisions_were_read(runner->decisions_wanted());
    return each_once(6) && ends == 3;
  }));
  EXPECT_TRUE(dead().empty());
}

TEST_F(StageRunnerTest, FramesThatAForgedOriginHidesAreToldAndTheEndIsNotLost) {
  send(4);
  write(0, forged(1, 1000));
  send(6, 4, true);
  auto runner = start();
  take_all(*runner);
  EXPECT_TRUE(wait_for([&] {
    counted();
    return ends == 3;
  }));
  EXPECT_TRUE(has_notice("frames_hidden: in/0, offset 3"));
  EXPECT_EQ(runner->stats().hidden_frames, 3);
}

// Reads as the log does, and dies where asked: in the middle of a look at a record.
class DyingReader final : public stream::RecordReader {
 public:
  DyingReader(std::shared_ptr<stream::RecordReader> inner, PartitionId dies) : inner_(std::move(inner)), dies_(dies) {}
  Result<void> assign(const TopicPartition& at, Offset start) override { return inner_->assign(at, start); }
  void unassign(const TopicPartition& at) override {
    if (at.partition == dies_) throw std::bad_alloc();
    inner_->unassign(at);
  }
  Result<std::optional<stream::Record>> poll(std::chrono::milliseconds timeout) override {
    return inner_->poll(timeout);
  }

 private:
  std::shared_ptr<stream::RecordReader> inner_;
  PartitionId dies_;
};

TEST_F(StageRunnerTest, AReaderThatDiesOfARecordNamesItAndTheThirdOwnerDoesNotLookAtIt) {
  auto shared = CrashNote::make().value();
  note = &shared;
  held_bytes = 1 << 20;
  make_reader = [this] { return std::make_shared<DyingReader>(log->reader(), PartitionId{1}); };
  write(0, forged(1, 1000, "1/2", "1/2/0/1000000"));
  auto runner = start();
  take_all(*runner);
  ASSERT_TRUE(wait_for([&] { return runner->progress()[0].position == 1; }));
  write(1, forged(1, 1, "1/2", "1/2/0/900000"));  // has to wait for memory: the reader is asked to let the partition go
  ASSERT_TRUE(wait_for([&] { return runner->failed().has_value(); }));
  EXPECT_EQ(runner->failed()->message, "the reader ran out of memory, while it read in/1, offset 0");
  EXPECT_TRUE(runner->died_reading());
  runner.reset();
  EXPECT_EQ(shared.being_read(), (FrameAtWork{JobName{"job"}, RunNumber{1}, StageName{"grey"}, PartitionId{1},
                                              Offset{0}, kRecordBeingRead}));

  shared.clear();
  runner = start();
  runner->quarantine({{{PartitionId{1}, Offset{0}}, {"poison: exit code 1 on a, exit code 1 on b", 2, true}}});
  take_all(*runner, 2);
  send(4, 0, true);
  EXPECT_TRUE(wait_for([&] { return dead().size() == 1; }));
  EXPECT_EQ(dead()[0].at.partition, PartitionId{1});
  EXPECT_EQ(dead()[0].reason, "poison: exit code 1 on a, exit code 1 on b");
  EXPECT_EQ(dead()[0].attempts, 2);
  EXPECT_TRUE(wait_for([&] {
    counted();
    return ends == 3;
  }));
  EXPECT_FALSE(runner->failed());
  EXPECT_FALSE(shared.being_read());
}

TEST_F(StageRunnerTest, APartitionWithoutACommitIsNeverGuessed) {
  stage.group_id = "ride.job.1.other";
  auto runner = start();
  EXPECT_EQ(runner->assign(PartitionId{0}, Epoch{1}).error().code, ErrorCode::not_found);
}

TEST_F(StageRunnerTest, APausedStageReadsNothing) {
  auto runner = start();
  runner->pause(true);
  take_all(*runner);
  send(6);
  std::this_thread::sleep_for(50ms);
  EXPECT_TRUE(counted().empty());
  runner->pause(false);
  EXPECT_TRUE(wait_for([&] { return each_once(6); }));
}

}  // namespace
}  // namespace ride::worker
