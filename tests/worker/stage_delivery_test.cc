// A stage whose writer and commit store do not do what they are asked at once: what is ACKed, committed and released.
#include "tests/worker/stage_runner_fixture.h"

namespace ride::worker {
namespace {

// Hands on what is sent when it is let go, or says that it failed. Deliveries come in order, on the writer's thread.
class HoldingWriter final : public stream::RecordWriter {
 public:
  explicit HoldingWriter(std::unique_ptr<stream::RecordWriter> inner) : inner_(std::move(inner)) {}

  Result<void> send(const TopicPartition& to, stream::OutRecord record, Delivered done) override {
    const std::lock_guard lock(mutex_);
    bytes_ += static_cast<std::int64_t>(record.value.size());
    most_bytes_ = std::max(most_bytes_, bytes_);
    held_.push_back({to, std::move(record), std::move(done)});
    return {};
  }
  void serve(std::chrono::milliseconds timeout) override {
    std::vector<Held> due;
    std::optional<Error> fault;
    {
      const std::lock_guard lock(mutex_);
      const auto count = std::min(held_.size(), allowed_);
      for (std::size_t i = 0; i < count; ++i) due.push_back(std::move(held_[i]));
      held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(count));
      allowed_ -= count;
      if (allowed_ == 0) fault = fault_;
      if (fault)
        due.insert(due.end(), std::move_iterator(held_.begin()), std::move_iterator(held_.end())), held_.clear();
    }
    for (auto& one : due) {
      {
        const std::lock_guard lock(mutex_);
        bytes_ -= static_cast<std::int64_t>(one.record.value.size());
      }
      if (fault)
        one.done(*fault);
      else if (auto sent = inner_->send(one.to, std::move(one.record), one.done); !sent.ok())
        one.done(sent.error());
    }
    if (due.empty()) std::this_thread::sleep_for(std::min(timeout, std::chrono::milliseconds(1)));
    inner_->serve(0ms);
  }
  Result<void> flush(std::chrono::milliseconds timeout) override { return inner_->flush(timeout); }

  void allow(std::size_t records) {
    const std::lock_guard lock(mutex_);
    allowed_ += records;
  }
  // What is held after those that are allowed, and all that comes.
  void fail(Error why) {
    const std::lock_guard lock(mutex_);
    fault_ = std::move(why);
  }
  std::size_t held() {
    const std::lock_guard lock(mutex_);
    return held_.size();
  }
  std::int64_t most_bytes() {  // that were held at a time
    const std::lock_guard lock(mutex_);
    return most_bytes_;
  }

 private:
  struct Held {
    TopicPartition to;
    stream::OutRecord record;
    Delivered done;
  };
  std::unique_ptr<stream::RecordWriter> inner_;
  std::mutex mutex_;
  std::vector<Held> held_;
  std::size_t allowed_ = 0;
  std::optional<Error> fault_;
  std::int64_t bytes_ = 0, most_bytes_ = 0;
};

constexpr std::size_t kAll = 1'000'000;

class StageDelivery : public StageRunnerTest {
 protected:
  void SetUp() override {
    StageRunnerTest::SetUp();
    make_writer = [this] { return writer = std::make_shared<HoldingWriter>(log->writer()); };
  }
  std::shared_ptr<HoldingWriter> writer;  // of the newest incarnation
};

TEST_F(StageDelivery, AFrameWhoseDeliveryFailedIsNotAckedAndTheNextOwnerSendsIt) {
  send(20);
  {
    auto runner = start();
    take_all(*runner);
    ASSERT_TRUE(wait_for([&] { return writer->held() == 20; }));
    writer->allow(4);
    ASSERT_TRUE(wait_for([&] { return committed(0).value + committed(1).value == 4; }));
    writer->fail({ErrorCode::unavailable, "the partition's leader refuses it", false});
    ASSERT_TRUE(wait_for([&] { return runner->failed().has_value(); }));
  }
  EXPECT_EQ(committed(0).value + committed(1).value, 4) << "four were delivered";
  make_writer = [this] { return log->writer(); };
  auto next = start();
  take_all(*next, 2);
  EXPECT_TRUE(wait_for([&] { return each_once(20); }));
}

TEST_F(StageDelivery, NothingIsCommittedBeforeItIsDelivered) {
  send(10);
  auto runner = start();
  take_all(*runner);
  ASSERT_TRUE(wait_for([&] { return writer->held() == 10; }));
  EXPECT_EQ(committed(0).value + committed(1).value, 0);
  writer->allow(kAll);
  EXPECT_TRUE(wait_for([&] { return committed(0).value + committed(1).value == 10; }));
}

TEST_F(StageDelivery, ADroppedPartitionsDeliveriesLeadToNothingMore) {
  send(4, 0, true);
  auto runner = start();
  take_all(*runner);
  ASSERT_TRUE(wait_for([&] { return writer->held() == 4; }));
  for (int p = 0; p < 2; ++p) runner->drop(PartitionId{p});
  writer->allow(kAll);
  ASSERT_TRUE(wait_for([&] { return each_once(4); }));
  send(1, 100);  // for whoever is next: this one has nothing more to do
  auto next = start();
  ASSERT_TRUE(next->assign(PartitionId{0}, Epoch{2}).ok());
  EXPECT_EQ(committed(0).value + committed(1).value, 0) << "it owned nothing when they were delivered";
  counted();
  EXPECT_EQ(ends, 0) << "nor did it pass the end on";
}

TEST_F(StageDelivery, AFrameInWorkWhenItsPartitionIsDroppedGoesNoFurther) {
  make_writer = [this] { return log->writer(); };
  std::atomic<std::int64_t> begun = -1;
  std::atomic<bool> allowed = false;
  task = task_that([&](const Frame& frame, tasks::Emitter& out) -> Result<void> {
    if (begun < 0) begun = frame.id.number;
    wait_for([&] { return allowed.load(); });
    out.emit(frame);
    return {};
  });
  send(10);
  auto runner = start();
  take_all(*runner);
  ASSERT_TRUE(wait_for([&] { return begun >= 0; }));
  const int dropped = static_cast<int>(begun % 2);  // frame n lies in partition n % 2
  runner->drop(PartitionId{dropped});
  allowed = true;
  ASSERT_TRUE(wait_for([&] { return committed(1 - dropped) == Offset{5}; })) << "the other one's come behind it";
  const auto sent = counted();
  EXPECT_FALSE(sent.contains("cam/1/" + std::to_string(begun)));
  EXPECT_EQ(sent.size(), 5U);
}

TEST_F(StageDelivery, WhatIsNotDeliveredIsBounded) {
  write_queue_bytes = 3000;
  send(200);
  auto runner = start();
  take_all(*runner);
  ASSERT_TRUE(wait_for([&] { return writer->held() > 0; }));
  ASSERT_TRUE(wait_for([&] {
    writer->allow(1);
    return each_once(200);
  }));
  EXPECT_LE(writer->most_bytes(), 3000 + 300) << "a frame more than the limit at most";
}

// Takes commits when it is told to.
class HoldingStore final : public stream::CommitStore {
 public:
  explicit HoldingStore(std::unique_ptr<stream::CommitStore> inner) : inner_(std::move(inner)) {}
  Result<std::map<TopicPartition, std::optional<stream::Commit>>> committed(
      const std::string& group, const std::vector<TopicPartition>& at) override {
    return inner_->committed(group, at);
  }
  Result<void> commit(const std::string& group, const std::map<TopicPartition, stream::Commit>& commits) override {
    ++tries;
    if (!takes) return Error{ErrorCode::unavailable, "the brokers are away", true};
    return inner_->commit(group, commits);
  }
  std::atomic<bool> takes = false;
  std::atomic<int> tries = 0;

 private:
  std::unique_ptr<stream::CommitStore> inner_;
};

TEST_F(StageDelivery, APartitionIsHandedBackWhenItsLastCommitStands) {
  const auto store = std::make_shared<HoldingStore>(log->commits());
  make_commits = [&] { return store; };
  make_writer = [this] { return log->writer(); };
  send(10);
  auto runner = start();
  take_all(*runner);
  ASSERT_TRUE(wait_for([&] { return each_once(10); }));
  runner->release(PartitionId{0});
  const int before = store->tries;
  ASSERT_TRUE(wait_for([&] { return store->tries >= before + 3; }));
  {
    const std::lock_guard lock(mutex);
    EXPECT_TRUE(released.empty()) << "the next owner would begin at an old commit";
  }
  store->takes = true;
  EXPECT_TRUE(wait_for([&] {
    const std::lock_guard lock(mutex);
    return released.contains(PartitionId{0});
  }));
  EXPECT_EQ(committed(0), Offset{5});
}

}  // namespace
}  // namespace ride::worker
