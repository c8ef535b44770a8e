// What counts as hanging, and what does not.
#include "agent/core/child_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ride::agent {
namespace {

using ::testing::HasSubstr;

class ChildWatchTest : public ::testing::Test {
 protected:
  static WorkNoted work(std::uint64_t moved) {
    return {{JobName{"street"}, RunNumber{1}, StageName{"people"}, PartitionId{0}, Offset{5}, "gate/1/5"},
            moved,
            TimePoint{1000}};
  }
  // Looks every 100 ms for so long; the verdict, if there was one.
  std::optional<ChildFault> look(const ChildSeen& seen, TimePoint during) {
    for (TimePoint passed{0}; passed < during; passed += TimePoint{100}) {
      now_ += TimePoint{100};
      if (auto verdict = watch_.saw(seen, now_)) return verdict;
    }
    return std::nullopt;
  }

  ChildWatch watch_;
  TimePoint now_{5000};
};

TEST_F(ChildWatchTest, AFrameThatStaysInsideTooLongHangs) {
  EXPECT_FALSE(look({.work = work(1)}, TimePoint{1000}));
  const auto verdict = look({.work = work(1)}, TimePoint{300});
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->kind, ChildFault::Kind::hang);
  EXPECT_THAT(verdict->text, HasSubstr("gate/1/5"));
  EXPECT_FALSE(look({.work = work(1)}, TimePoint{5000})) << "a verdict is given once";
}

TEST_F(ChildWatchTest, ProgressAndTheNextFrameBeginAnew) {
  for (std::uint64_t moved = 1; moved < 20; ++moved) EXPECT_FALSE(look({.work = work(moved)}, TimePoint{900}));
}

TEST_F(ChildWatchTest, WaitingOutsideProcessIsNotHanging) {
  EXPECT_FALSE(look({.work = work(1)}, TimePoint{900}));
  EXPECT_FALSE(look({}, TimePoint{60'000}));
  EXPECT_FALSE(look({.work = work(2)}, TimePoint{900}));
}

TEST_F(ChildWatchTest, AStoppedChildIsHeldAndDoesNotHang) {
  EXPECT_FALSE(look({.work = work(1)}, TimePoint{900}));
  EXPECT_FALSE(look({.work = work(1), .stopped = true}, TimePoint{60'000}));
  EXPECT_TRUE(look({.work = work(1)}, TimePoint{400})) << "it is watched again when it goes on";
}

TEST_F(ChildWatchTest, TimeInWhichNobodyWatchedDoesNotCount) {
  ChildSeen seen{.work = work(1)};
  seen.work->allowed = TimePoint{3000};
  EXPECT_FALSE(watch_.saw(seen, TimePoint{0}));
  EXPECT_FALSE(watch_.saw(seen, TimePoint{100}));
  EXPECT_FALSE(watch_.saw(seen, TimePoint{3'600'000})) << "the agent was stopped, or the machine slept";
}

TEST_F(ChildWatchTest, MoreMemoryThanAllowedIsSaidWithNumbers) {
  EXPECT_FALSE(look({.memory_bytes = 1 << 30, .memory_limit = 0}, TimePoint{1000}));
  EXPECT_FALSE(look({.memory_bytes = 1 << 30, .memory_limit = 1 << 30}, TimePoint{1000}));
  const auto verdict = look({.memory_bytes = (1 << 30) + 1, .memory_limit = 1 << 30}, TimePoint{1000});
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->kind, ChildFault::Kind::memory);
}

}  // namespace
}  // namespace ride::agent
