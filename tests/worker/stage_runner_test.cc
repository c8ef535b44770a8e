// A stage from record to ACK: order, hand-over, dead frames, expired ones, warm-up, pause.
#include "tests/worker/stage_runner_fixture.h"

namespace ride::worker {
namespace {

TEST_F(StageRunnerTest, EveryFrameGoesThroughTheTaskAndIsCommitted) {
  send(20);
  auto runner = start();
  take_all(*runner);
  EXPECT_TRUE(wait_for([&] { return each_once(20); }));
  EXPECT_TRUE(wait_for([&] { return committed(0) == Offset{10} && committed(1) == Offset{10}; }));
  EXPECT_TRUE(wait_for([&] {
    const auto progress = runner->progress();
    return progress.size() == 2 && progress[0].committed == 10 && progress[1].committed == 10;
  })) << "and it is told";
}

// Counts what is open, and takes as many as it is told.
struct Openings {
  std::atomic<int> open = 0, may_open = 1000;
};

tasks::TaskType counted_task(Openings& counts, bool opens_ahead) {
  struct Counted final : tasks::Task {
    explicit Counted(Openings& openings) : counts(openings) {}
    Result<void> open(const tasks::TaskEnv&) override {
      if (--counts.may_open < 0) return invalid_argument("no more of these");
      ++counts.open;
      return {};
    }
    Result<void> process(const Frame& frame, tasks::Emitter& out) override {
      out.emit(frame);
      return {};
    }
    void close() override { --counts.open; }
    Openings& counts;
  };
  auto type = task_that({});
  type.declaration.opens_ahead = opens_ahead;
  type.make = [&counts] { return std::make_unique<Counted>(counts); };
  return type;
}

TEST_F(StageRunnerTest, ATaskThatTakesLongToOpenIsOpenForTheWholeShareBeforeTheWorkerIsWarm) {
  Openings counts;
  task = counted_task(counts, true);
  auto runner = start();
  ASSERT_TRUE(wait_for([&] { return runner->stats().warm; }));
  EXPECT_EQ(counts.open, 2) << "two partitions, and one worker is the fewest";
  counts.may_open = 0;
  send(20);
  take_all(*runner);
  EXPECT_TRUE(wait_for([&] { return each_once(20); })) << "with what was open";
  runner.reset();
  EXPECT_EQ(counts.open, 0);
}

TEST_F(StageRunnerTest, AWorkerThatHandsBackWhatItHasAndStopsOpensNothingMore) {
  Openings counts;
  task = counted_task(counts, true);
  auto runner = start();
  ASSERT_TRUE(wait_for([&] { return runner->stats().warm; }));
  send(20);
  take_all(*runner);
  ASSERT_TRUE(wait_for([&] { return each_once(20); }));
  for (int p = 0; p < 2; ++p) runner->release(PartitionId{p});
  ASSERT_TRUE(wait_for([&] { return runner->owned().empty(); }));
  const int left = counts.may_open;
  runner.reset();
  EXPECT_EQ(counts.may_open, left);
  EXPECT_EQ(counts.open, 0);
}

TEST_F(StageRunnerTest, OneThatCannotBeOpenedIsNotTriedAgainByItself) {
  Openings counts;
  counts.may_open = 0;
  task = counted_task(counts, true);
  auto runner = start();
  ASSERT_TRUE(wait_for([&] { return has_notice("task_open_failed"); }));
  runner->release(PartitionId{0});
  std::this_thread::sleep_for(300ms);  // three idle turns
  EXPECT_EQ(counts.may_open, -1);
}

TEST_F(StageRunnerTest, OneOfOtherTasksIsOpenInAdvance) {
  Openings counts;
  task = counted_task(counts, false);
  auto runner = start();
  ASSERT_TRUE(wait_for([&] { return runner->stats().warm; }));
  EXPECT_EQ(counts.open, 1);
}

TEST_F(StageRunnerTest, APartitionBeyondTheShareHasATaskThatOpensLongBeforeItsFirstFrame) {
  Openings counts;
  stage.group.min = 2;
  task = counted_task(counts, true);
  auto runner = start();
  ASSERT_TRUE(wait_for([&] { return runner->stats().warm; }));
  EXPECT_EQ(counts.open, 1);
  take_all(*runner);
  EXPECT_TRUE(wait_for([&] { return counts.open == 2; }));
}

TEST_F(StageRunnerTest, ATaskThatCannotBeOpenedInAdvanceFailsTheJobOnlyWhenAFrameNeedsIt) {
  Openings counts;
  counts.may_open = 1;
  stage.group.min = 2;
  task = counted_task(counts, true);
  auto runner = start();
  take_all(*runner);
  ASSERT_TRUE(wait_for([&] { return counts.may_open < 0; }));
  EXPECT_FALSE(has_notice("task_open_failed"));
  send(20);
  EXPECT_TRUE(wait_for([&] { return has_notice("task_open_failed"); }));
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
  std::set<std::int64_t> ran;  // by one compute thread after the other
  task = task_that([&](const Frame& frame, tasks::Emitter& out) -> Result<void> {
    ran.insert(frame.id.number);
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

TEST_F(StageRunnerTest, WhatMayWorkLaterIsTriedAgainWithTheSameFrameAndNobodyDies) {
  std::atomic<int> tries = 0;
  task = task_that([&](const Frame& frame, tasks::Emitter& out) -> Result<void> {
    if (frame.id.number == 2 && ++tries < 3) return Error{ErrorCode::resource_exhausted, "the disk is full", true};
    out.emit(frame);
    return {};
  });
  send(6, 0, true);
  auto runner = start();
  take_all(*runner);
  EXPECT_TRUE(wait_for([&] { return each_once(6) && ends == 3; }));
  EXPECT_EQ(tries, 3);
  EXPECT_TRUE(dead().empty());
  EXPECT_TRUE(has_notice("stage_blocked: stage grey waits with frame cam/1/2: the disk is full"));
  EXPECT_TRUE(has_notice("stage_unblocked"));
}

TEST_F(StageRunnerTest, ACondemnedFrameDoesNotWarmTheNextOwnersTaskUp) {
  std::set<std::int64_t> ran;  // by one compute thread after the other
  task = task_that([&](const Frame& frame, tasks::Emitter& out) -> Result<void> {
    ran.insert(frame.id.number);
    out.emit(frame);
    return {};
  });
  task->declaration.warmup_frames = 3;
  const std::map<FramePlace, Quarantined> condemned = {
      {{PartitionId{0}, Offset{3}}, {"poison: signal 11 on a and b", 2}}};
  send(10);  // 0 2 4 6 8 lie in partition 0
  auto first = start();
  first->quarantine(condemned);
  take_all(*first);
  ASSERT_TRUE(wait_for([&] { return committed(0) == Offset{5}; }));
  first.reset();
  ran.clear();
  auto next = start();
  next->quarantine(condemned);
  ASSERT_TRUE(next->assign(PartitionId{0}, Epoch{2}).ok());
  send(2, 10);
  ASSERT_TRUE(wait_for([&] { return committed(0) == Offset{6}; }));
  EXPECT_EQ(ran, (std::set<std::int64_t>{4, 8, 10})) << "frame 6 has ended two workers";
}

}  // namespace
}  // namespace ride::worker
