#include "common/guarded_thread.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace ride {
namespace {

Error end_of(const std::function<void()>& body) {
  Error error;
  guarded_thread("the reader", body, [&error](Error told) { error = std::move(told); }).join();
  return error;
}

TEST(GuardedThread, TellsWhatWasThrownInside) {
  EXPECT_EQ(end_of([] { throw std::runtime_error("no such luck"); }).message, "the reader failed: no such luck");
  const auto starved = end_of([] { throw std::bad_alloc(); });
  EXPECT_EQ(starved.code, ErrorCode::resource_exhausted);
  EXPECT_EQ(starved.message, "the reader ran out of memory");
  EXPECT_EQ(end_of([] { throw 7; }).message, "the reader failed with an exception of an unknown kind");
  EXPECT_EQ(end_of([] {}).message, "");
}

TEST(GuardedThreadDeathTest, WhereNobodyIsToldTheProcessEndsWithAMessage) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(guarded_thread("the ticker", [] { throw std::runtime_error("no such luck"); }).join(),
              testing::ExitedWithCode(1), "the ticker failed: no such luck; the process ends");
}

}  // namespace
}  // namespace ride
