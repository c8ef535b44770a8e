#include "producer/work_budget.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

namespace ride::producer {
namespace {

using namespace std::chrono_literals;

FrameAtWork item(std::int64_t number) {
  return {JobName{"job"}, RunNumber{1}, StageName{"src"}, PartitionId{0}, Offset{number}, "file a"};
}

TEST(WorkBudget, NamesWhatIsBeingRead) {
  auto note = CrashNote::make().value();
  WorkBudget budget(100, &note);
  {
    const auto one = budget.enter(item(1), false);
    auto two = budget.enter(item(2), false);
    const auto moved = std::move(two);
    ASSERT_EQ(note.read_all().size(), 2U);
    EXPECT_EQ(note.read_all()[1].at, item(2));
  }
  EXPECT_TRUE(note.read_all().empty());
}

TEST(WorkBudget, MemoryIsTakenWhileThereIsSome) {
  WorkBudget budget(100);
  auto small = std::make_optional(budget.enter(item(1), false));
  small->reserve(60);
  std::atomic<bool> taken = false;
  auto other = std::async(std::launch::async, [&] {
    auto large = budget.enter(item(2), false);
    large.reserve(1000);  // more than there is: alone
    taken = true;
  });
  EXPECT_EQ(other.wait_for(50ms), std::future_status::timeout);
  EXPECT_FALSE(taken);
  small.reset();
  EXPECT_EQ(other.wait_for(10s), std::future_status::ready);
}

TEST(WorkBudget, WhatWasStruckIsReadAlone) {
  auto note = CrashNote::make().value();
  WorkBudget budget(100, &note);
  ItemWatch watch(budget, JobName{"job"}, RunNumber{1}, "src",
                  {{{PartitionId{0}, Offset{7}}, {"signal 6 on a", false}}});
  auto healthy = std::make_optional(watch.enter(PartitionId{0}, Offset{1}, "file a"));
  std::promise<std::size_t> seen;
  std::promise<void> leave;
  std::thread struck([&] {
    const auto lease = watch.enter(PartitionId{0}, Offset{7}, "file b");
    seen.set_value(note.read_all().size());
    leave.get_future().wait();
  });
  auto alone = seen.get_future();
  EXPECT_EQ(alone.wait_for(50ms), std::future_status::timeout) << "another item is being read";
  healthy.reset();
  ASSERT_EQ(alone.wait_for(10s), std::future_status::ready);
  EXPECT_EQ(alone.get(), 1U);
  auto next = std::async(std::launch::async, [&] { return (void)watch.enter(PartitionId{0}, Offset{8}, "file c"); });
  EXPECT_EQ(next.wait_for(50ms), std::future_status::timeout) << "while it is being read, nothing else is";
  leave.set_value();
  EXPECT_EQ(next.wait_for(10s), std::future_status::ready);
  struck.join();
}

TEST(ItemWatch, TellsWhatMustNotBeRead) {
  WorkBudget budget(100);
  const ItemWatch watch(budget, JobName{"job"}, RunNumber{1}, "src",
                        {{{PartitionId{0}, Offset{7}}, {"signal 6 on a", false}},
                         {{PartitionId{1}, Offset{7}}, {"signal 6 on a, it ran out of memory on b", true}}});
  EXPECT_FALSE(watch.quarantined(PartitionId{0}, Offset{7}));
  EXPECT_EQ(*watch.quarantined(PartitionId{1}, Offset{7}),
            "ended its producer twice (signal 6 on a, it ran out of memory on b)");
  EXPECT_TRUE(watch.any_quarantined());
}

}  // namespace
}  // namespace ride::producer
