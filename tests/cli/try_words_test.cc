#include "cli/core/try_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/local/task_try.h"

namespace ride::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(TryWords, FilesAreKnownByTheirEnding) {
  EXPECT_TRUE(is_python_file("a/count.py"));
  EXPECT_TRUE(is_plugin_file("./x.so"));
  for (const char* task : {"canny", ".py", ".so", "count.py.txt", ""}) {
    EXPECT_FALSE(is_python_file(task)) << task;
    EXPECT_FALSE(is_plugin_file(task)) << task;
  }
}

TEST(TryWords, ParametersOfAClassAreItsValuesAndThoseOfTheTaskStay) {
  const std::vector<ParamSpec> own = {{.name = "file"}, {.name = "values"}, {.name = "timeout"}};
  const auto of = [&](const std::vector<std::string>& texts) { return python_params("c.py", texts, own); };
  EXPECT_THAT(of({}).value(), ElementsAre("file=c.py"));
  EXPECT_THAT(of({"timeout=3", "b=x=y", "a=180", "c=[1,2]", "d=\"5\"", "e="}).value(),
              ElementsAre("file=c.py", "timeout=3", R"(values={"a":180,"b":"x=y","c":[1,2],"d":"5","e":""})"));
  EXPECT_THAT(of({"values={}"}).value(), ElementsAre("file=c.py", "values={}"));
  EXPECT_THAT(of({"a"}).error().message, HasSubstr("NAME=VALUE"));
  EXPECT_THAT(of({"=1"}).error().message, HasSubstr("NAME=VALUE"));
  EXPECT_THAT(of({"a=1", "a=2"}).error().message, HasSubstr("twice"));
  EXPECT_THAT(of({"a=1", "values={}"}).error().message, HasSubstr("in one way"));
}

TEST(TryWords, WhatATaskPrintsIsFoundAmongLinesOfTheLog) {
  EXPECT_THAT(printed_in("2026-11-30T17:00:00.123Z info    ride-test: starts\n"
                         "2026-11-30T17:00:00.123Z info    ride-test: stage try: c.py: hello\n"
                         "of a plug-in\n"),
              ElementsAre("c.py: hello", "of a plug-in"));
}

}  // namespace
}  // namespace ride::cli
