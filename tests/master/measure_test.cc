// What nobody has reported yet is unknown, and decides nothing: unknown is not zero.
#include "master/core/measure.h"

#include <gtest/gtest.h>

#include "master/core/sizing.h"

namespace ride::master::test {
namespace {

using namespace std::chrono_literals;

stream::PartitionProgress of(std::int64_t committed, std::int64_t end) {
  return {.job = {"street"}, .committed = committed, .end = end};
}

TEST(Measure, AStagesLoadIsUnknownUntilItWasSeenForHalfASecond) {
  const SystemTime start{1h};
  StageFlow flow;
  EXPECT_EQ(flow.arrival(), std::nullopt);
  flow.sample(start);
  EXPECT_EQ(flow.arrival(), std::nullopt);
  EXPECT_EQ(flow.arrival_at_least(), std::nullopt);
  EXPECT_EQ(flow.steady_at_least(), std::nullopt);
  flow.add({}, of(0, 100));
  flow.sample(start + 400ms);
  EXPECT_EQ(flow.arrival(), std::nullopt) << "and what was there before did not come now";
  flow.add(of(0, 100), of(0, 130));
  flow.sample(start + 1s);
  ASSERT_NE(flow.arrival(), std::nullopt);
  EXPECT_NEAR(*flow.arrival(), 30, 1);
  EXPECT_EQ(flow.lag(), 130);
}

TEST(Measure, AWorkersSpeedIsUnknownUntilItHasWorked) {
  const SystemTime start{1h};
  WorkerRate rate;
  EXPECT_EQ(rate.frames_per_busy_second(), std::nullopt);
  EXPECT_EQ(rate.utilisation(), std::nullopt);
  stream::Heartbeat beat{.group = "street/clean"};
  rate.add(beat, start);
  rate.add(beat, start + 5s);
  EXPECT_EQ(rate.frames_per_busy_second(), std::nullopt) << "it had nothing to do";
  beat.frames = 30;
  beat.busy_seconds = 2;
  rate.add(beat, start + 10s);
  EXPECT_NEAR(rate.frames_per_busy_second().value(), 15, 0.1);
}

TEST(Sizing, NothingIsAdvisedWhereTheLoadOrEverySpeedIsUnknown) {
  const stream::ScalingSpec scaling;
  EXPECT_EQ(advise({.rates = {10.0, 10.0}}, scaling), std::nullopt) << "an idle group could be a smaller one";
  EXPECT_EQ(advise({.arrival = 0.0, .rates = {{}, {}}}, scaling), std::nullopt);
  const auto usual = advise({.arrival = 0.0, .rates = {{}, {}}, .usual_rate = 10}, scaling);
  ASSERT_NE(usual, std::nullopt);
  EXPECT_EQ(usual->enough, 1);
  EXPECT_GE(advise({.arrival = 25.0, .rates = {10.0, {}, {}}}, scaling)->enough, 3)
      << "as fast as the one that is known";
}

}  // namespace
}  // namespace ride::master::test
