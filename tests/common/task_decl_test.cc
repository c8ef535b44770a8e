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

TEST(TaskParams, AFileOnTheNodesIsCheckedLikeOneThatIsShipped) {
  const auto ends_in_pb = [](const ParamValue& value) -> std::optional<std::string> {
    if (std::get<std::string>(value).ends_with(".pb") && std::get<std::string>(value).starts_with("/")) return {};
    return "it is no path that ends in .pb";
  };
  const TaskDecl task{.name = "detect",
                      .params = {{.name = "model", .rule = ends_in_pb, .file = InputFile{}},
                                 {.name = "label", .default_value = std::string("x")}},
                      .rule = [](const ParamValues& values) -> std::optional<std::string> {
                        if (get_string(values, "model") == "/a.pb") return {};
                        return "another model";
                      }};
  const auto checked =
      check_task_params(task, {{"model", std::string("node:/a.pb")}, {"label", std::string("node:y")}});
  ASSERT_TRUE(checked.ok()) << checked.error().message;
  EXPECT_EQ(get_string(*checked, "model"), "node:/a.pb") << "the plan keeps what was written";
  const auto opened = without_node_prefix(task.params, *checked);
  EXPECT_EQ(get_string(opened, "model"), "/a.pb");
  EXPECT_EQ(get_string(opened, "label"), "node:y") << "it names no file";
  EXPECT_FALSE(check_task_params(task, {{"model", std::string("node:a.pb")}}));
  EXPECT_FALSE(check_task_params(task, {{"model", std::string("node:/b.pb")}}));
  EXPECT_TRUE(is_on_node(task.params[0], std::string("node:/a.pb")));
  EXPECT_FALSE(is_on_node(task.params[0], std::string("/a.pb")));
  EXPECT_FALSE(is_on_node(task.params[1], std::string("node:y")));
}

TEST(TaskCatalogDeathTest, TwoTasksOfOneNameAreABug) {
  EXPECT_DEATH(TaskCatalog({TaskDecl{.name = "canny"}, TaskDecl{.name = "canny"}}), "two tasks are named 'canny'");
}

}  // namespace
}  // namespace ride
