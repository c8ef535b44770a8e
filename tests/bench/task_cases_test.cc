// The list of `bench/run tasks` is complete, and what it compares is the same work.
#include <gtest/gtest.h>

#include <opencv2/core.hpp>
#include <opencv2/core/utility.hpp>
#include <set>

#include "bench/measure_task.h"

namespace ride::bench {
namespace {

TEST(TaskCases, EachTaskOfTheCatalogHasACaseOrAReason) {
  std::set<std::string> measured;
  for (const TaskCase& one : task_cases()) measured.insert(one.task);
  for (const std::string& task : tasks::builtin_tasks().catalog().names()) {
    const bool excused = tasks_without_case().contains(task);
    EXPECT_TRUE(measured.contains(task) != excused)
        << task << (excused ? " has a case and a reason for none" : " has neither a case nor a reason for none");
  }
  for (const auto& [task, reason] : tasks_without_case()) {
    EXPECT_NE(tasks::builtin_tasks().find(task), nullptr) << task;
    EXPECT_FALSE(reason.empty()) << task;
  }
}

TEST(TaskCases, HaveNamesOfTheirOwnAndSomethingToBeComparedWith) {
  std::set<std::string> names;
  for (const TaskCase& one : task_cases()) {
    EXPECT_TRUE(names.insert(one.name).second) << one.name;
    EXPECT_TRUE(one.name.starts_with(one.task)) << one.name;
    EXPECT_FALSE(one.plain.empty()) << one.name;
    EXPECT_EQ(CV_MAT_DEPTH(one.type), CV_8U) << one.name;
  }
}

class EachTaskCase : public testing::TestWithParam<const TaskCase*> {};

TEST_P(EachTaskCase, IsTheWorkOfItsPlainCallsWithinTheTolerance) {
  cv::setNumThreads(1);
  const TaskCase& one = *GetParam();
  const auto measured = measure_task(one, sample_picture(240, one.type), {.least_rounds = 1, .most_rounds = 1});
  ASSERT_TRUE(measured) << measured.error().message;
  EXPECT_GT(measured->seconds, 0);
  ASSERT_EQ(measured->plain.size(), one.plain.size());
  for (const MeasuredPlain& plain : measured->plain) {
    EXPECT_GT(plain.seconds, 0) << plain.what;
    EXPECT_LT(plain.off, 128) << plain.what << " does something else";
  }
  EXPECT_TRUE(measured->fastest_plain().meets)
      << measured->fastest_plain().what << " is " << measured->fastest_plain().off << " off";
}

INSTANTIATE_TEST_SUITE_P(All, EachTaskCase, testing::ValuesIn([] {
                           std::vector<const TaskCase*> all;
                           for (const TaskCase& one : task_cases()) all.push_back(&one);
                           return all;
                         }()),
                         [](const auto& one) { return one.param->name; });

TEST(MeasureTask, TheFastestPlainCallIsOneThatMeetsTheTolerance) {
  const MeasuredTask measured{
      .seconds = 1,
      .plain = {{"quick", 1, 5, false}, {"slow", 3, 0, true}, {"right", 2, 0, true}, {"wrong", 1.5, 2, false}}};
  EXPECT_EQ(measured.fastest_plain().what, "right");
  const MeasuredTask none{.seconds = 1, .plain = {{"slow", 3, 5, false}, {"quick", 1, 5, false}}};
  EXPECT_EQ(none.fastest_plain().what, "quick");
}

TEST(MeasureTask, SaysWhatTheTaskRefuses) {
  const TaskCase unknown{.name = "blurr", .task = "blurr", .plain = {{"nothing", [](const cv::Mat&, cv::Mat&) {}}}};
  EXPECT_NE(measure_task(unknown, sample_picture(20, CV_8UC1), {}).error().message.find("'blurr'"), std::string::npos);
  const TaskCase even{.name = "box_blur", .task = "box_blur", .params = {{"ksize", std::int64_t{4}}}};
  EXPECT_NE(measure_task(even, sample_picture(20, CV_8UC1), {}).error().message.find("odd"), std::string::npos);
  const TaskCase broken{
      .name = "flip", .task = "flip", .plain = {{"broken", [](const cv::Mat&, cv::Mat& out) {
                                                   cv::flip(cv::Mat(std::vector<int>{2, 2, 2}, CV_8U), out, 1);
                                                 }}}};
  EXPECT_NE(measure_task(broken, sample_picture(20, CV_8UC1), {}).error().message.find("broken: "), std::string::npos);
}

}  // namespace
}  // namespace ride::bench
