// What a sink defers (tasks::Emitter::defer) through the data plane of a stage: real threads, no Kafka.
#include "worker/deferred_work.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>

#include "stage_runner_fixture.h"

namespace ride::worker {
namespace {

// Work that waits until it is let through, by the frame's number.
class Gate {
 public:
  void open(std::int64_t number) {
    const std::lock_guard lock(mutex_);
    open_.insert(number);
    changed_.notify_all();
  }
  void open_all() {
    const std::lock_guard lock(mutex_);
    all_ = true;
    changed_.notify_all();
  }
  void pass(std::int64_t number) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return all_ || open_.contains(number); });
    passed_.push_back(number);
  }
  std::vector<std::int64_t> passed() {
    const std::lock_guard lock(mutex_);
    return passed_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::int64_t> open_;
  std::vector<std::int64_t> passed_;
  bool all_ = false;
};

class DeferredWorkTest : public StageRunnerTest {
 protected:
  using Work = std::function<Result<void>(std::int64_t number)>;

  // Frame n lies in partition n % 2, at offset n / 2.
  void defer(const Work& work) {
    task = task_that([this, work](const Frame& frame, tasks::Emitter& out) -> Result<void> {
      ++processed;
      const auto number = frame.id.number;
      if (!out.defer([work, number] { return work(number); }))
        return Error{ErrorCode::internal, "the worker has no thread for it"};
      out.emit(frame);
      return {};
    });
  }
  std::int64_t both_committed() { return committed(0).value + committed(1).value; }

  std::atomic<int> processed = 0;
  Gate gate;
};

TEST_F(DeferredWorkTest, TheNextFramesAreComputedMeanwhileAndNoneIsAckedBeforeItsWorkIsDone) {
  defer([this](std::int64_t number) -> Result<void> {
    gate.pass(number);
    return {};
  });
  send(8);
  const auto runner = start();
  take_all(*runner);
  ASSERT_TRUE(wait_for([&] { return processed == 8; })) << processed;
  EXPECT_EQ(both_committed(), 0);
  for (const std::int64_t number : {2, 3, 1})
    gate.open(number);  // behind frame 0 of its partition, and all of the other
  ASSERT_TRUE(wait_for([&] { return committed(1).value == 2; }));
  EXPECT_EQ(committed(0).value, 0) << "frame 0 is not done";
  EXPECT_EQ(counted().count("cam/1/2"), 0U) << "it leaves behind frame 0";
  gate.open_all();
  ASSERT_TRUE(wait_for([&] { return each_once(8) && both_committed() == 8; }));
}

TEST_F(DeferredWorkTest, NoMoreIsTakenThanFits) {
  std::atomic<int> passed = 0, most = 0;
  task = task_that([&](const Frame& frame, tasks::Emitter& out) -> Result<void> {
    most = std::max<int>(most, ++processed - passed);  // this thread's alone
    const auto number = frame.id.number;
    const bool deferred = out.defer([&, number]() -> Result<void> {
      gate.pass(number);
      ++passed;
      return {};
    });
    if (!deferred) return Error{ErrorCode::internal, "the worker has no thread for it"};
    out.emit(frame);
    return {};
  });
  send(60);
  const auto runner = start();
  take_all(*runner);
  ASSERT_TRUE(wait_for([&] { return processed == 17; })) << processed;  // 16 wait, and one at the door
  for (std::int64_t number = 0; number < 60; ++number) gate.open(number);
  ASSERT_TRUE(wait_for([&] { return each_once(60) && both_committed() == 60; }));
  EXPECT_EQ(most, 17);
}

TEST_F(DeferredWorkTest, WhatIsDoneBehindASetThatIsLeftIsLeftAsWell) {
  std::atomic<bool> full = true, behind_is_done = false;
  defer([&](std::int64_t number) -> Result<void> {
    if (number == 4 && full) return Error{ErrorCode::resource_exhausted, "the disk is full", true};
    if (number == 6) behind_is_done = true;
    return {};
  });
  send(8);
  const auto runner = start();
  take_all(*runner);
  ASSERT_TRUE(wait_for([&] { return committed(0).value == 2 && behind_is_done; }));
  runner->release(PartitionId{0});
  ASSERT_TRUE(wait_for([&] {
    const std::lock_guard lock(mutex);
    return released.contains(PartitionId{0});
  }));
  EXPECT_EQ(committed(0).value, 2);
  EXPECT_EQ(counted().count("cam/1/6"), 0U) << "frame 4 would count as a repeat behind it";
  full = false;
  const auto next = start();
  ASSERT_TRUE(next->assign(PartitionId{0}, Epoch{2}).ok());
  ASSERT_TRUE(wait_for([&] { return each_once(8) && both_committed() == 8; })) << "each frame counts once";
}

TEST_F(DeferredWorkTest, AThreadThatDiesEndsTheIncarnationAndNobodyWaitsForItsWork) {
  defer([](std::int64_t number) -> Result<void> {
    if (number == 0) throw 42;  // NOLINT: what no task should throw
    return {};
  });
  send(8);
  const auto runner = start();
  take_all(*runner);
  ASSERT_TRUE(wait_for([&] { return runner->failed().has_value(); }));
  EXPECT_THAT(runner->failed()->message, testing::HasSubstr("a thread of deferred work"));
  runner->release(PartitionId{0});
  ASSERT_TRUE(wait_for([&] {
    const std::lock_guard lock(mutex);
    return released.contains(PartitionId{0});
  }));
  EXPECT_EQ(committed(0).value, 0) << "what was not done has no ACK";
}

TEST_F(DeferredWorkTest, WhatMayWorkLaterIsTriedAgainVisiblyAndHoldsItsPartitionAlone) {
  std::atomic<int> attempts = 0;
  std::atomic<bool> full = true;
  defer([&](std::int64_t number) -> Result<void> {
    if (number != 0) return {};
    ++attempts;
    return full ? Result<void>(Error{ErrorCode::resource_exhausted, "the disk is full", true}) : Result<void>();
  });
  send(8);
  const auto runner = start();
  take_all(*runner);
  ASSERT_TRUE(wait_for([&] { return committed(1).value == 4 && attempts >= 2; }));
  EXPECT_EQ(committed(0).value, 0);
  EXPECT_TRUE(has_notice("stage_blocked: stage grey waits with frame cam/1/0: the disk is full"));
  full = false;
  ASSERT_TRUE(wait_for([&] { return each_once(8) && both_committed() == 8; }));
  EXPECT_TRUE(has_notice("stage_unblocked"));
  EXPECT_TRUE(dead().empty());
}

TEST_F(DeferredWorkTest, WhatFailsForGoodOrThrowsMakesItsOwnFrameDead) {
  defer([](std::int64_t number) -> Result<void> {
    if (number == 2) return Error{ErrorCode::invalid_argument, "a folder has that name"};
    if (number == 3) throw std::runtime_error("unheard of");
    return {};
  });
  send(6, 0, true);
  const auto runner = start();
  take_all(*runner);
  ASSERT_TRUE(wait_for([&] { return each_once(6) && ends == 3; }));
  const auto dead_now = dead();
  ASSERT_EQ(dead_now.size(), 2U);
  std::set<std::string> reasons;
  for (const auto& one : dead_now) reasons.insert(one.reason);
  EXPECT_TRUE(reasons.contains("task_error: a folder has that name"));
  EXPECT_THAT(*reasons.rbegin(), testing::HasSubstr("unheard of"));
}

TEST_F(DeferredWorkTest, TheEndOfTheInputComesBehindWhatIsUnderWay) {
  defer([this](std::int64_t number) -> Result<void> {
    gate.pass(number);
    return {};
  });
  send(4, 0, true);
  const auto runner = start();
  take_all(*runner);
  ASSERT_TRUE(wait_for([&] { return processed >= 2; }));
  counted();
  EXPECT_EQ(ends, 0);
  gate.open_all();
  ASSERT_TRUE(wait_for([&] { return each_once(4) && ends == 3; }));
}

TEST_F(DeferredWorkTest, APartitionThatIsGivenUpKeepsWhatIsDoneAndLeavesTheRestToTheNextOwner) {
  std::atomic<bool> full = true;
  std::atomic<int> done = 0;
  defer([&](std::int64_t number) -> Result<void> {
    if (number >= 4 && full) return Error{ErrorCode::resource_exhausted, "the disk is full", true};
    ++done;
    return {};
  });
  send(8);
  const auto runner = start();
  take_all(*runner);
  ASSERT_TRUE(wait_for([&] { return both_committed() == 4 && processed == 8; }));
  runner->release(PartitionId{0});
  ASSERT_TRUE(wait_for([&] {
    const std::lock_guard lock(mutex);
    return released.contains(PartitionId{0});
  })) << "it does not wait for the disk";
  EXPECT_EQ(committed(0).value, 2);
  full = false;
  const auto next = start();
  ASSERT_TRUE(next->assign(PartitionId{0}, Epoch{2}).ok());
  ASSERT_TRUE(wait_for([&] { return each_once(8) && both_committed() == 8; }));
}

TEST_F(DeferredWorkTest, AFrameWithoutWorkDoesNotOvertakeOneThatIsOnItsWayToTheDisk) {
  task = task_that([this](const Frame& frame, tasks::Emitter& out) -> Result<void> {
    if (frame.id.number == 0)
      out.defer([this]() -> Result<void> {
        gate.pass(0);
        return {};
      });
    out.emit(frame);
    return {};
  });
  send(8);
  const auto runner = start();
  take_all(*runner);
  ASSERT_TRUE(wait_for([&] { return committed(1).value == 4; })) << "the other partition's go on";
  EXPECT_EQ(counted().size(), 4U) << "frames 2, 4 and 6 wait behind frame 0";
  gate.open_all();
  ASSERT_TRUE(wait_for([&] { return each_once(8) && both_committed() == 8; }));
}

// A task whose work on the disk says whether the task was finished or closed under it.
struct Watched {
  std::atomic<int> to_do = 0, inside = 0;
  std::atomic<bool> finished_under_it = false, closed_under_it = false, finished = false;
};

tasks::TaskType watched_task(Watched& watched) {
  struct Watching final : tasks::Task {
    explicit Watching(Watched& facts) : watched(facts) {}
    Result<void> open(const tasks::TaskEnv&) override { return {}; }
    Result<void> process(const Frame& frame, tasks::Emitter& out) override {
      ++watched.to_do;
      out.defer([this]() -> Result<void> {
        auto& facts = watched;
        ++facts.inside;
        std::this_thread::sleep_for(30ms);
        --facts.inside;
        --facts.to_do;
        return {};
      });
      out.emit(frame);
      return {};
    }
    Result<void> finish(tasks::Emitter&) override {
      if (watched.to_do > 0) watched.finished_under_it = true;
      watched.finished = true;
      return {};
    }
    void close() override {
      if (watched.inside > 0) watched.closed_under_it = true;
    }
    Watched& watched;
  };
  auto type = task_that({});
  type.make = [&watched] { return std::make_unique<Watching>(watched); };
  return type;
}

TEST_F(DeferredWorkTest, TheTaskIsFinishedWhenItsWorkIsDone) {
  Watched watched;
  task = watched_task(watched);
  send(6, 0, true);
  const auto runner = start();
  ASSERT_TRUE(runner->assign(PartitionId{0}, Epoch{1}).ok());
  ASSERT_TRUE(wait_for([&] { return watched.finished.load(); }));
  EXPECT_FALSE(watched.finished_under_it);
}

TEST_F(DeferredWorkTest, AReleasedPartitionsTaskIsClosedWhenItsWorkIsOver) {
  Watched watched;
  task = watched_task(watched);
  send(8);
  const auto runner = start();
  ASSERT_TRUE(runner->assign(PartitionId{0}, Epoch{1}).ok());
  ASSERT_TRUE(wait_for([&] { return watched.inside > 0; }));
  runner->release(PartitionId{0});
  ASSERT_TRUE(wait_for([&] {
    const std::lock_guard lock(mutex);
    return released.contains(PartitionId{0});
  }));
  EXPECT_FALSE(watched.closed_under_it);
}

TEST_F(DeferredWorkTest, AWorkerThatEndsLeavesTheTaskAloneUntilItsWorkIsOver) {
  std::atomic<int> inside = 0;
  defer([&](std::int64_t) -> Result<void> {
    ++inside;
    std::this_thread::sleep_for(30ms);
    --inside;
    return {};
  });
  send(30);
  auto runner = start();
  take_all(*runner);
  ASSERT_TRUE(wait_for([&] { return inside > 0; }));
  runner.reset();
  EXPECT_EQ(inside, 0);
}

}  // namespace
}  // namespace ride::worker
