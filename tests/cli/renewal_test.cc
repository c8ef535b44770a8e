#include "cli/core/renewal.h"

#include <gtest/gtest.h>

namespace ride::cli {
namespace {

using Json = nlohmann::json;

Json worker(const char* id, const char* stage, bool warm, const char* state = "live") {
  return {{"id", id}, {"job", "j"}, {"stage", stage}, {"warm", warm}, {"state", state}};
}

TEST(Renewal, IsOverWhenNoneOfBeforeLivesAndEachStageIsOpen) {
  const Json before = {{"workers", {worker("w1#a", "one", true), worker("w2#a", "two", true)}}};
  const auto members = members_of(before, "j");
  EXPECT_EQ(members, (Members{{"one", {"w1#a"}}, {"two", {"w2#a"}}}));
  EXPECT_TRUE(members_of(before, "other").empty());
  EXPECT_FALSE(renewed(before, "j", members));
  const auto is_over = [&](const Json& workers) { return renewed({{"workers", workers}}, "j", members); };
  EXPECT_FALSE(is_over({worker("w1#b", "one", true), worker("w2#a", "two", true)}));
  EXPECT_FALSE(is_over({worker("w1#b", "one", true)}));
  EXPECT_FALSE(is_over({worker("w1#b", "one", true), worker("w2#b", "two", false)}));
  EXPECT_TRUE(is_over({worker("w1#b", "two", true), worker("w2#b", "one", true), worker("w1#a", "one", true, "left")}));
}

TEST(Renewal, AMasterThatAnswersNothingHasRenewedNothing) {
  EXPECT_FALSE(renewed(Json::object(), "j", {{"one", {"w1#a"}}}));
}

}  // namespace
}  // namespace ride::cli
