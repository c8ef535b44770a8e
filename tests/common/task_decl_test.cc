#include "common/task_decl.h"

#include <gtest/gtest.h>

namespace ride {
namespace {

TEST(TaskCatalog, IsOrderedByNameAndFindsEach) {
  const TaskCatalog catalog({TaskDecl{.name = "resize"}, TaskDecl{.name = "canny"}});
  EXPECT_EQ(catalog.names(), (std::vector<std::string>{"canny", "resize"}));
  ASSERT_NE(catalog.find("resize"), nullptr);
  EXPECT_EQ(catalog.find("resize")->name, "resize");
  EXPECT_EQ(catalog.find("blurr"), nullptr);
  EXPECT_EQ(TaskCatalog({}).find("canny"), nullptr);
}

std::optional<std::string> low_under_high(const ParamValues& values) {
  if (get_int(values, "low") <= get_int(values, "high")) return std::nullopt;
  return "'low' is above 'high'";
}

TEST(TaskParams, AreCheckedOneByOneAndThenTogether) {
  const TaskDecl task{.name = "canny",
                      .params = {{.name = "low", .type = ParamType::integer, .default_value = std::int64_t{1}},
                                 {.name = "high", .type = ParamType::integer, .default_value = std::int64_t{3}}},
                      .rule = low_under_high};
  EXPECT_TRUE(check_task_params(task, {}));
  EXPECT_FALSE(check_task_params(task, {{"low", true}}));
  const auto wrong = check_task_params(task, {{"low", std::int64_t{4}}});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message, "parameters of task 'canny': 'low' is above 'high'");
}

TEST(TaskCatalogDeathTest, TwoTasksOfOneNameAreABug) {
  EXPECT_DEATH(TaskCatalog({TaskDecl{.name = "canny"}, TaskDecl{.name = "canny"}}), "two tasks are named 'canny'");
}

}  // namespace
}  // namespace ride
