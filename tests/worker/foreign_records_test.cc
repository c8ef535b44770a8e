// Records that strangers write into a stage: nothing stops, grows or is taken for a frame because of them.
#include "tests/worker/stage_runner_fixture.h"

namespace ride::worker {
namespace {

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

// Hands out what it has fetched before it was told to let the partition go, as a queue of fetched records does.
class LateReader final : public stream::RecordReader {
 public:
  LateReader(std::shared_ptr<stream::RecordReader> inner, int late) : inner_(std::move(inner)), late_(late) {}
  Result<void> assign(const TopicPartition& at, Offset start) override {
    left_.erase(at);
    inner_->unassign(at);
    return inner_->assign(at, start);
  }
  void unassign(const TopicPartition& at) override { left_[at] = late_; }
  Result<std::optional<stream::Record>> poll(std::chrono::milliseconds timeout) override {
    auto record = inner_->poll(timeout);
    if (!record.ok() || !*record) return record;
    const auto left = left_.find((*record)->at);
    if (left == left_.end()) return record;
    if (left->second-- > 0) return record;
    inner_->unassign(left->first);
    left_.erase(left);
    return std::optional<stream::Record>();
  }

 private:
  std::shared_ptr<stream::RecordReader> inner_;
  const int late_;
  std::map<TopicPartition, int> left_;  // so many records of them still come
};

TEST_F(StageRunnerTest, RecordsThatWereFetchedBehindADoubtedOneWaitForItsAnswer) {
  checks_sessions = true;
  make_reader = [this] { return std::make_shared<LateReader>(log->reader(), 2); };
  write(0, forged(7, 0));
  send(8, 0, true);
  auto runner = start();
  runner->know_sessions({{"cam", SessionId{1}}});
  take_all(*runner);
  ASSERT_TRUE(wait_for([&] { return runner->decisions_wanted() == 1 && committed(1) == Offset{5}; }));
  EXPECT_EQ(runner->progress()[0].position, 0);
  runner->decisions_were_read(1);
  EXPECT_TRUE(wait_for([&] { return counted().size() == 9 && ends == 3; })) << "eight frames, and an outcome 'dead'";
  EXPECT_EQ(dead().size(), 1U) << "the doubted one has its outcome";
  EXPECT_FALSE(runner->failed());
}

// Hands each record out twice: what was fetched before a partition was assigned anew.
class RepeatingReader final : public stream::RecordReader {
 public:
  explicit RepeatingReader(std::shared_ptr<stream::RecordReader> inner) : inner_(std::move(inner)) {}
  Result<void> assign(const TopicPartition& at, Offset start) override { return inner_->assign(at, start); }
  void unassign(const TopicPartition& at) override { inner_->unassign(at); }
  Result<std::optional<stream::Record>> poll(std::chrono::milliseconds timeout) override {
    if (again_) return std::exchange(again_, std::nullopt);
    auto record = inner_->poll(timeout);
    if (record.ok() && *record) again_ = *record;
    return record;
  }

 private:
  std::shared_ptr<stream::RecordReader> inner_;
  std::optional<stream::Record> again_;
};

TEST_F(StageRunnerTest, ARecordThatIsHandedOutAgainIsNoRecordOfTheLog) {
  make_reader = [this] { return std::make_shared<RepeatingReader>(log->reader()); };
  send(6, 0, true);
  auto runner = start();
  take_all(*runner);
  EXPECT_TRUE(wait_for([&] { return runner->failed() || (each_once(6) && ends == 3); }));
  EXPECT_TRUE(wait_for([&] { return runner->failed() || (committed(0) == Offset{4} && committed(1) == Offset{4}); }));
  EXPECT_FALSE(runner->failed()) << runner->failed()->message;
  for (const auto& one : runner->progress()) EXPECT_EQ(one.counters, (stream::OutcomeCounters{.acked = 3}));
}

}  // namespace
}  // namespace ride::worker
