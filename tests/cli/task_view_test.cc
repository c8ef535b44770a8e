#include "cli/core/task_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/json.h"
#include "worker/tasks/builtin_catalog.h"

namespace ride::cli {
namespace {

using ::testing::HasSubstr;

TEST(TaskView, ShowsTypeDefaultBoundsAndMeaningOfEachParameter) {
  const auto* task = tasks::builtin_catalog().find("gaussian_blur");
  ASSERT_NE(task, nullptr);
  const std::string text = render_task(*task, {}, 80);
  EXPECT_THAT(text, HasSubstr("ksize  integer, default 5; 1 to 201, odd"));
  EXPECT_THAT(text, HasSubstr("task: gaussian_blur"));
}

TEST(TaskView, ListsEveryTaskOnce) {
  const std::string text = render_tasks(tasks::builtin_catalog(), {}, 0);
  for (const auto& name : tasks::builtin_catalog().names()) EXPECT_THAT(text, HasSubstr("\n" + name + " ")) << name;
}

TEST(TaskView, AsJsonSaysWhatIsRequired) {
  const TaskDecl task{.name = "t",
                      .doc = "Does it.",
                      .params = {ParamSpec{.name = "p", .type = ParamType::integer, .doc = "a number", .min = 1}}};
  const auto json = task_to_json(task);
  EXPECT_EQ(json["params"][0]["name"], "p");
  EXPECT_EQ(json["params"][0]["required"], true);
  EXPECT_EQ(json["params"][0]["minimum"], 1);
  EXPECT_THAT(render_task(task, {}, 80), HasSubstr("p  integer, required; at least 1"));
  EXPECT_THAT(render_task(task, {}, 80), HasSubstr("params: { p: ... }"));
}

TEST(Wrapped, BreaksAtBlanksWithinTheWidth) {
  EXPECT_EQ(wrapped("one two three", 9, "  "), "  one two\n  three\n");
  EXPECT_EQ(wrapped("", 9, "  "), "");
  EXPECT_EQ(wrapped("averyveryverylongword x", 9, ""), "averyveryverylongword\nx\n");
}

}  // namespace
}  // namespace ride::cli
