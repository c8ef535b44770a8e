#include "producer/core/silence.h"

#include <gtest/gtest.h>

namespace ride::producer {
namespace {

using namespace std::chrono_literals;

TEST(Silence, AFewSecondsAreToldWithWhereTheFramesStop) {
  EXPECT_EQ(silence_text({.lasts = 4900ms}), "");
  EXPECT_EQ(silence_text({.lasts = 5s}), "no frame for 5 s: the source sends none");
  EXPECT_EQ(silence_text({.lasts = 72'500ms, .unacknowledged = true}),
            "no frame for 72 s: Kafka has not acknowledged what was sent");
}

TEST(Silence, ASlowSourceMayBeSilentForThreeOfItsFrames) {
  EXPECT_EQ(silence_text({.lasts = 29s, .between_frames = 10s}), "");
  EXPECT_EQ(silence_text({.lasts = 30s, .between_frames = 10s}), "no frame for 30 s: the source sends none");
}

TEST(Silence, ATopicWithNothingNewIsNoFaultYetKafkaMayBe) {
  EXPECT_EQ(silence_text({.lasts = 1h, .may_be_silent = true}), "");
  EXPECT_EQ(silence_text({.lasts = 6s, .may_be_silent = true, .unacknowledged = true}),
            "no frame for 6 s: Kafka has not acknowledged what was sent");
}

}  // namespace
}  // namespace ride::producer
