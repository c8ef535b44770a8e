#include "worker/tasks/task_registry.h"

#include <gtest/gtest.h>

namespace ride::tasks {
namespace {

TaskType type(const std::string& name, const std::string& doc) {
  return {.declaration = {.name = name, .doc = doc}, .make = [] { return std::unique_ptr<Task>(); }};
}

TEST(TaskRegistry, FindsEachByItsNameWithWhatItDeclares) {
  const TaskRegistry tasks({type("resize", "one"), type("canny", "two")});
  EXPECT_EQ(tasks.catalog().names(), (std::vector<std::string>{"canny", "resize"}));
  ASSERT_NE(tasks.find("canny"), nullptr);
  EXPECT_EQ(tasks.find("canny")->declaration.doc, "two");
  EXPECT_EQ(tasks.find("invert"), nullptr);
}

TEST(TaskRegistry, ATaskIsAddedOrTakesThePlaceOfOneOfItsName) {
  const TaskRegistry tasks({type("resize", "one"), type("canny", "two")});
  const auto more = tasks.with(type("invert", "three"));
  EXPECT_EQ(more.catalog().names(), (std::vector<std::string>{"canny", "invert", "resize"}));
  const auto other = more.with(type("canny", "four"));
  EXPECT_EQ(other.catalog().names().size(), 3U);
  EXPECT_EQ(other.find("canny")->declaration.doc, "four");
  EXPECT_EQ(other.catalog().find("canny")->doc, "four") << "what checks a topology is what runs";
  EXPECT_EQ(tasks.find("canny")->declaration.doc, "two");
}

TEST(TaskRegistryDeathTest, TwoTasksOfOneNameAreABug) {
  EXPECT_DEATH(TaskRegistry({type("canny", ""), type("canny", "")}), "two tasks are named 'canny'");
}

}  // namespace
}  // namespace ride::tasks
