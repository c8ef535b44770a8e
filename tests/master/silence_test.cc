// The parts of the failure detector by themselves (master/core/silence.h).
#include "master/core/silence.h"

#include <gtest/gtest.h>

#include <random>

namespace ride::master {
namespace {

using namespace std::chrono_literals;

constexpr SystemTime kBegin{std::chrono::seconds(1'800'000'000)};

TEST(LogClock, PassesWithTheTicksAndStandsWhileTheyDo) {
  LogClock clock;
  EXPECT_EQ(clock.tick(kBegin, 100ms), 0ms) << "nothing is known of what was before";
  EXPECT_EQ(clock.tick(kBegin + 110ms, 100ms), 110ms);
  EXPECT_EQ(clock.at_tick(), 110ms);
  EXPECT_EQ(clock.at(kBegin + 150ms), 150ms);
  EXPECT_FALSE(clock.is_waiting(kBegin + 300ms, 100ms));
  EXPECT_TRUE(clock.is_waiting(kBegin + 311ms, 100ms));
  EXPECT_EQ(clock.at(kBegin + 20s), 610ms) << "the log stood";
  EXPECT_EQ(clock.tick(kBegin + 20s, 100ms), 19'890ms);
  EXPECT_EQ(clock.at_tick(), 610ms);
}

TEST(LogClock, TicksThatAreReadTogetherCountAndTimeNeverFalls) {
  LogClock clock;
  clock.tick(kBegin, 100ms);
  for (int i = 0; i < 10; ++i) clock.tick(kBegin + 1ms, 100ms);
  EXPECT_EQ(clock.at_tick(), 500ms);
  EXPECT_EQ(clock.at(kBegin - 10s), 500ms);
  clock.tick(kBegin - 10s, 100ms);
  EXPECT_EQ(clock.at_tick(), 550ms);
}

TEST(LogClock, LongIntervalsAreTheirOwnMeasure) {
  LogClock clock;
  clock.tick(kBegin, 1000ms);
  clock.tick(kBegin + 1500ms, 1000ms);
  EXPECT_EQ(clock.at_tick(), 1500ms);
}

TEST(RecordTimes, AReaderThatWasLateFindsRecordsAsFarApartAsTheyWere) {
  RecordTimes times;
  auto last = times.at(kBegin, kBegin + 5ms);
  for (int i = 1; i <= 3; ++i) {
    const auto at = times.at(kBegin + i * 100ms, kBegin + 900ms);  // all read together
    EXPECT_GE(at - last, 100ms);
    EXPECT_LE(at - last, 115ms);
    last = at;
  }
  for (int i = 10; i < 200; ++i) last = times.at(kBegin + i * 100ms, kBegin + i * 100ms + 1ms);
  EXPECT_GE(last, kBegin + 199 * 100ms - 20ms) << "it has caught up";
  EXPECT_LE(last, kBegin + 199 * 100ms + 1ms);
}

TEST(RecordTimes, NeverFallsNorRunsAheadWhateverTheStampsSay) {
  RecordTimes times;
  auto last = times.at(kBegin, kBegin);
  for (const auto stamp : {kBegin - 1h, SystemTime::max(), kBegin, SystemTime::min(), SystemTime{}, kBegin + 24h}) {
    const auto read = last + 100ms;
    const auto at = times.at(stamp, read);
    EXPECT_GE(at, last);
    EXPECT_LE(at, read);
    last = at;
  }
  EXPECT_GE(times.at(kBegin, last - 1h), last) << "nor when the reader's clock falls";
}

TEST(Rhythm, ARegularProcessIsWaitedForShortly) {
  Rhythm rhythm;
  EXPECT_LE(rhythm.patience(), 200ms) << "unknown: as if it were regular";
  for (int i = 0; i < 100; ++i) rhythm.heard(LogTime(98 + i % 5));
  EXPECT_GE(rhythm.patience(), 150ms);
  EXPECT_LE(rhythm.patience(), 200ms);
}

TEST(Rhythm, AnIrregularOneIsWaitedForLongerAndForgivenLater) {
  Rhythm rhythm;
  std::mt19937 random(1);
  for (int i = 0; i < 100; ++i) rhythm.heard(LogTime(std::uniform_int_distribution<int>(100, 700)(random)));
  EXPECT_GE(rhythm.patience(), 1000ms);
  EXPECT_LE(rhythm.patience(), 2500ms);
  for (int i = 0; i < 400; ++i) rhythm.heard(100ms);
  EXPECT_LE(rhythm.patience(), 220ms);
}

TEST(LongestGap, IsForgottenLittleByLittle) {
  LongestGap longest;
  longest.heard(0ms, 100ms);
  longest.heard(1s, 900ms);
  longest.heard(2s, 100ms);
  EXPECT_GT(longest.value(2s), 800ms);
  EXPECT_LT(longest.value(62s), 200ms);
  EXPECT_GT(longest.value(62s), 0ms);
}

TEST(OverloadWatch, TellsOnceWhenItBeginsAndOnceWhenItHasBeenCalm) {
  using Change = OverloadWatch::Change;
  OverloadWatch watch;
  int begins = 0, ends = 0;
  LogTime now{0};
  const auto pass = [&](LogTime gap, int count) {
    for (int i = 0; i < count; ++i) {
      now += gap;
      watch.heard(gap, 100ms);
      const auto change = watch.look(now);
      begins += change == Change::begins;
      ends += change == Change::ends;
    }
  };
  pass(100ms, 100);
  pass(2500ms, 1);
  EXPECT_FALSE(watch.is_on()) << "one process was stopped for a while: nothing is overloaded";
  pass(1000ms, 100);
  EXPECT_TRUE(watch.is_on());
  EXPECT_GT(watch.late(), 600ms);
  pass(100ms, 150);  // it recovers for a moment only
  pass(1000ms, 20);
  EXPECT_EQ(begins, 1);
  EXPECT_EQ(ends, 0);
  pass(100ms, 400);
  EXPECT_EQ(begins, 1);
  EXPECT_EQ(ends, 1);
  EXPECT_FALSE(watch.is_on());
}

// Heartbeats of processes that began together come in bunches: what counts is the gap between the bunches.
TEST(NodePulse, BunchesOfHeartbeatsAreOneRhythm) {
  NodePulse node;
  LogTime now{0};
  for (int round = 0; round < 100; ++round, now += 100ms)
    for (int i = 0; i < 4; ++i) node.heard_any(now + LogTime(5 * i), round);
  EXPECT_LE(node.together.patience(), 200ms);
  EXPECT_GE(node.longest_together.value(now), 80ms);
  EXPECT_LE(node.longest_together.value(now), 100ms);
}

}  // namespace
}  // namespace ride::master
