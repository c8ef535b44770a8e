#include <gtest/gtest.h>

#include <opencv2/imgproc.hpp>

#include "tests/tasks/harness.h"

namespace ride::tasks {
namespace {

// A grey ground with a bright square of 20 x 20 at x.
cv::Mat scene(int x, int type = CV_8UC3) {
  cv::Mat picture(100, 200, CV_8UC3, cv::Scalar(90, 90, 90));
  cv::rectangle(picture, {x, 40, 20, 20}, cv::Scalar(220, 220, 220), cv::FILLED);
  if (CV_MAT_CN(type) == 1) cv::cvtColor(picture, picture, cv::COLOR_BGR2GRAY);
  if (CV_MAT_CN(type) == 4) cv::cvtColor(picture, picture, cv::COLOR_BGR2BGRA);
  cv::Mat out;
  picture.convertTo(out, CV_MAT_DEPTH(type),
                    CV_MAT_DEPTH(type) == CV_16U   ? 257.0
                    : CV_MAT_DEPTH(type) == CV_32F ? 1 / 255.0
                                                   : 1.0);
  return out;
}

double motion_of(const Frame& frame) { return std::stod(frame.attributes.at("motion")); }

TEST(Motion, TellsTheShareOfPixelsThatChanged) {
  for (const int type : {CV_8UC1, CV_8UC3, CV_8UC4, CV_16UC1, CV_32FC3}) {
    auto task = opened("motion", {{"emit", std::string("all")}});
    KeepingEmitter out;
    ASSERT_TRUE(task->process(frame_of(scene(10, type), 0), out));
    ASSERT_TRUE(task->process(frame_of(scene(10, type), 1), out));
    ASSERT_TRUE(task->process(frame_of(scene(40, type), 2), out));
    const auto& frames = out.frames["out"];
    ASSERT_EQ(frames.size(), 3U);
    EXPECT_EQ(motion_of(frames[0]), 0) << "nothing was before";
    EXPECT_EQ(motion_of(frames[1]), 0);
    EXPECT_NEAR(motion_of(frames[2]), 2 * 400 / 20'000.0, 1e-6) << "where it was and where it is; type " << type;
  }
}

TEST(Motion, LetsOnlyMovingFramesPass) {
  auto task = opened("motion", {{"emit", std::string("moving")}, {"min_area", 0.02}});
  KeepingEmitter out;
  int number = 0;
  for (const int x : {10, 10, 50, 50, 52}) ASSERT_TRUE(task->process(frame_of(scene(x), number++), out));
  ASSERT_EQ(out.frames["out"].size(), 1U) << "two pixels to the side are below min_area";
  EXPECT_EQ(out.only().id.number, 2);
}

TEST(Motion, GivesTheMask) {
  auto task = opened("motion", {{"emit", std::string("mask")}});
  KeepingEmitter out;
  ASSERT_TRUE(task->process(frame_of(scene(10), 0), out));
  ASSERT_TRUE(task->process(frame_of(scene(100), 1), out));
  const auto& mask = out.frames["out"][1].image;
  EXPECT_EQ(mask.type(), CV_8UC1);
  EXPECT_EQ(count_of(mask, 255), 800);
  EXPECT_EQ(mask.at<uchar>(50, 15), 255);
  EXPECT_EQ(mask.at<uchar>(50, 110), 255);
  EXPECT_EQ(mask.at<uchar>(10, 10), 0);
}

TEST(Motion, KeepsSourcesApartAndBearsANewSize) {
  auto task = opened("motion", {});
  KeepingEmitter out;
  ASSERT_TRUE(task->process(frame_of(scene(10), 0, "gate"), out));
  ASSERT_TRUE(task->process(frame_of(scene(100), 0, "door"), out));
  ASSERT_TRUE(task->process(frame_of(scene(10), 1, "gate"), out));
  cv::Mat larger;
  cv::resize(scene(10), larger, {}, 2, 2);
  ASSERT_TRUE(task->process(frame_of(larger, 2, "gate"), out));
  for (const auto& frame : out.frames["out"]) EXPECT_EQ(motion_of(frame), 0) << to_string(frame.id);
}

TEST(Motion, AsksForOrderAndForTheLastFrame) {
  const auto* decl = builtin_tasks().catalog().find("motion");
  ASSERT_NE(decl, nullptr);
  EXPECT_TRUE(decl->needs_order);
  EXPECT_EQ(decl->warmup_frames, 1);
}

}  // namespace
}  // namespace ride::tasks
