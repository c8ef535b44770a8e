#include "common/result.h"

#include <gtest/gtest.h>

namespace ride {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return Error{ErrorCode::invalid_argument, "odd"};
  return n / 2;
}

TEST(Result, HoldsTheValueOrTheError) {
  EXPECT_EQ(*half(4), 2);
  ASSERT_FALSE(half(3));
  EXPECT_EQ(half(3).error().message, "odd");
  EXPECT_TRUE(Result<void>().ok());
  EXPECT_FALSE(Result<void>(Error{}).ok());
}

TEST(ResultDeathTest, TakingTheValueOfAnErrorEndsTheProcessWithTheReason) {
  EXPECT_DEATH(half(3).value(), "check failed: .*odd");
  EXPECT_DEATH((void)half(4).error(), "holds a value");
}

TEST(Result, EveryErrorCodeHasAName) {
  for (int code = 0; code <= static_cast<int>(ErrorCode::internal); ++code) {
    EXPECT_STRNE(to_string(static_cast<ErrorCode>(code)), "unknown") << code;
  }
}

}  // namespace
}  // namespace ride
