#include "test_runner/test_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ride::test_runner {
namespace {

TEST(TestFailures, AreAsManyAndAsLongAsAPersonReads) {
  const std::vector<std::string> few = {"one", "two"};
  EXPECT_EQ(bounded(few), few);
  const auto many = bounded(std::vector<std::string>(1000, "it was not found"));
  EXPECT_EQ(many.size(), 21U);
  EXPECT_EQ(many.back(), "980 failures more");
  std::string long_text;
  while (long_text.size() < 100'000) long_text += "\u00e4";
  const auto cut = bounded({long_text});
  EXPECT_LT(cut.front().size(), 2010U);
  EXPECT_TRUE(report_from_json(report_to_json({.failures = cut})).ok());
  EXPECT_EQ(cut.front().find("\u00ef\u00bf\u00bd"), std::string::npos);
}

TEST(TestFailures, AreCutBetweenCharacters) {
  const auto cut = bounded({"x" + std::string(1998, 'y') + "\u00e4\u00e4"});
  EXPECT_EQ(cut.front(), "x" + std::string(1998, 'y') + " \u2026");
}

}  // namespace
}  // namespace ride::test_runner
