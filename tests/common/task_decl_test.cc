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

TEST(TaskCatalogDeathTest, TwoTasksOfOneNameAreABug) {
  EXPECT_DEATH(TaskCatalog({TaskDecl{.name = "canny"}, TaskDecl{.name = "canny"}}), "two tasks are named 'canny'");
}

}  // namespace
}  // namespace ride
