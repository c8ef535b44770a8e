#include "common/label.h"

#include <gtest/gtest.h>

namespace ride {
namespace {

TEST(Labels, AreNamesAndValues) {
  const auto labels = parse_labels({"site=north", "disk=/srv/a=b"});
  ASSERT_TRUE(labels.ok()) << labels.error().message;
  EXPECT_EQ(*labels, (std::map<std::string, std::string>{{"site", "north"}, {"disk", "/srv/a=b"}}));
  EXPECT_TRUE(parse_labels({}).value().empty());
}

TEST(Labels, WhatIsNoneIsToldWithAnExample) {
  for (const char* wrong : {"", "site", "site=", "=north", "a b=c", "s\xc3\xa4=x"}) {
    const auto labels = parse_labels({wrong});
    ASSERT_FALSE(labels.ok()) << wrong;
    EXPECT_NE(labels.error().message.find("for example site=north"), std::string::npos);
  }
  EXPECT_FALSE(parse_labels({"site=north", "site=south"}).ok());
  EXPECT_FALSE(parse_labels(std::vector<std::string>(1, "x=" + std::string(300, 'y'))).ok());
}

}  // namespace
}  // namespace ride
