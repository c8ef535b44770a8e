#include "common/wording.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>

namespace ride {
namespace {

TEST(Wording, OneIsOneAndAllOtherCountsAreMany) {
  EXPECT_EQ(counted(0, "worker"), "0 workers");
  EXPECT_EQ(counted(1, "worker"), "1 worker");
  EXPECT_EQ(counted(std::size_t{2}, "worker"), "2 workers");
  EXPECT_EQ(counted(std::int64_t{-1}, "worker"), "-1 workers");
}

TEST(Wording, ANounThatTakesMoreThanAnSAndAVerbAreGivenForMany) {
  EXPECT_EQ(counted(1, "frame waits", "frames wait"), "1 frame waits");
  EXPECT_EQ(counted(3, "frame waits", "frames wait"), "3 frames wait");
}

TEST(Wording, AJobFailedOrWasCancelledAndIsRunning) {
  EXPECT_EQ(phase_in_words("failed"), "failed");
  EXPECT_EQ(phase_in_words("cancelled"), "was cancelled");
  EXPECT_EQ(phase_in_words("creating"), "is being created");
  EXPECT_EQ(phase_in_words("completed"), "is completed");
  EXPECT_EQ(phase_in_words("running"), "is running");
}

}  // namespace
}  // namespace ride
