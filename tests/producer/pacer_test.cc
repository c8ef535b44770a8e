#include "producer/core/pacer.h"

#include <gtest/gtest.h>

#include <vector>

namespace ride::producer {
namespace {

using std::chrono::milliseconds;
using Action = Pacer::Action;

const TimePoint kStart{std::chrono::hours(5)};
TimePoint at(double ms) {
  return kStart + std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::milli>(ms));
}

TEST(Pacer, SendsTheFirstItemAtOnceAndTheNextOneAPeriodLater) {
  Pacer pacer(10, WhenLate::keep);
  EXPECT_EQ(pacer.decide(at(0)), Action::send);
  pacer.advance(at(0));
  EXPECT_EQ(pacer.decide(at(99.9)), Action::wait);
  EXPECT_EQ(pacer.due(), at(100));
  EXPECT_EQ(pacer.decide(at(100)), Action::send);
}

TEST(Pacer, UnpacedItemsNeverWaitAndAreNeverPassedOver) {
  Pacer pacer(0, WhenLate::drop);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(pacer.decide(at(0)), Action::send);
    pacer.advance(at(0));
  }
  EXPECT_EQ(pacer.due(), std::nullopt);
}

TEST(Pacer, SendsExactly1800ItemsInAMinuteAt30Fps) {
  Pacer pacer(30, WhenLate::keep);
  int sent = 0;
  for (double ms = 0; ms < 60'000; ms += 0.25) {
    while (pacer.decide(at(ms)) == Action::send) {
      pacer.advance(at(ms));
      ++sent;
    }
  }
  EXPECT_EQ(sent, 1800);
}

TEST(Pacer, RoundingNeverAddsUpOverADay) {
  Pacer pacer(30, WhenLate::keep);
  pacer.decide(at(0));
  const std::int64_t items = 30LL * 86'400;
  for (std::int64_t i = 1; i <= items; ++i) pacer.advance(at(i * 1000.0 / 30));
  EXPECT_LT(std::chrono::abs(*pacer.due() - at(86'400'000)), std::chrono::microseconds(1));
}

TEST(Pacer, MakesUpForAShortDelay) {
  Pacer pacer(10, WhenLate::keep);
  pacer.decide(at(0));
  int sent = 0;
  for (; pacer.decide(at(500)) == Action::send; ++sent) pacer.advance(at(500));
  EXPECT_EQ(sent, 6);  // due at 0, 100, ... 500
}

TEST(Pacer, DoesNotMakeUpForALongOutage) {
  Pacer pacer(10, WhenLate::keep);
  pacer.decide(at(0));
  pacer.advance(at(0));
  int sent = 0;
  for (; pacer.decide(at(60'000)) == Action::send; ++sent) pacer.advance(at(60'000));
  EXPECT_LE(sent, 2);  // the late item, and the first of the new schedule
  EXPECT_EQ(pacer.due(), at(60'100));
}

TEST(Pacer, PassesOverItemsWhoseSuccessorIsDue) {
  struct Row {
    double now_ms;
    Action verdict;
  };
  // 10 fps, nothing was sent since item 1 became due at 100 ms.
  for (const Row& row : std::vector<Row>{{99, Action::wait},
                                         {100, Action::send},
                                         {199, Action::send},
                                         {200, Action::pass_over},
                                         {1000, Action::pass_over}}) {
    Pacer pacer(10, WhenLate::drop);
    pacer.decide(at(0));
    pacer.advance(at(0));
    EXPECT_EQ(pacer.decide(at(row.now_ms)), row.verdict) << row.now_ms;
  }
}

TEST(Pacer, WithDropOnlyTheItemThatIsDueNowIsSentAfterADelay) {
  Pacer pacer(10, WhenLate::drop);
  pacer.decide(at(0));
  pacer.advance(at(0));
  int dropped = 0;
  for (; pacer.decide(at(5050)) == Action::pass_over; ++dropped) pacer.advance(at(5050));
  EXPECT_EQ(dropped, 49);  // items 1 to 49; number 50 was due at 5000
  EXPECT_EQ(pacer.decide(at(5050)), Action::send);
}

TEST(Pacer, StartsItsScheduleAgainAfterAPause) {
  Pacer pacer(10, WhenLate::drop);
  pacer.decide(at(0));
  pacer.advance(at(0));
  pacer.restart();
  EXPECT_EQ(pacer.decide(at(90'000)), Action::send);
  pacer.advance(at(90'000));
  EXPECT_EQ(pacer.due(), at(90'100));
}

}  // namespace
}  // namespace ride::producer
