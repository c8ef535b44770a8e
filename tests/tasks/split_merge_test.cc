#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <opencv2/core.hpp>
#include <set>

#include "common/frame_tile.h"
#include "tests/tasks/harness.h"

namespace ride::tasks {
namespace {

using testing::HasSubstr;

// The picture in tiles, each of them through the task, and put together.
cv::Mat through_tiles(const ParamValues& cut, const std::string& task, const ParamValues& params, const cv::Mat& in) {
  KeepingEmitter tiles, worked, merged;
  EXPECT_TRUE(opened("split", cut)->process(frame_of(in), tiles).ok());
  const auto between = opened(task, params);
  for (const auto& tile : tiles.frames["out"]) EXPECT_TRUE(between->process(tile, worked).ok());
  const auto merge = opened("merge");
  for (const auto& tile : worked.frames["out"]) {
    const auto put = merge->process(tile, merged);
    EXPECT_TRUE(put.ok()) << put.error().message;
  }
  EXPECT_EQ(merged.only().attributes.count(kTileAttribute), 0U);
  return merged.only().image;
}

ParamValues grid(const std::string& tiles, std::int64_t halo) { return {{"tiles", tiles}, {"halo", halo}}; }

struct Variant {
  std::string task;
  ParamValues params;
};

// Every task that may stand between a split and its merge, as it is without parameters, and with what needs more.
std::vector<Variant> variants() {
  std::vector<Variant> all;
  for (const auto& task : builtin_tasks().catalog().all())
    if (task.halo != nullptr && task.name != "convert_color") all.push_back({task.name, {}});
  for (const auto* to : {"gray", "lab"}) all.push_back({"convert_color", {{"to", std::string(to)}}});
  for (const std::int64_t ksize : {1, 3, 21, 61})
    for (const auto* task : {"gaussian_blur", "box_blur", "stddev_filter"}) all.push_back({task, {{"ksize", ksize}}});
  all.push_back({"median_blur", {{"ksize", std::int64_t{7}}}});
  return all;
}

TEST(SplitMerge, EachTaskWithAHaloGivesTheSameBitsInTilesAsInOnePiece) {
  int compared = 0;
  std::set<std::string> tasks;
  for (const auto& [task, params] : variants()) {
    if (task == "delay") continue;  // it passes pictures on
    for (const int type : {CV_8UC1, CV_8UC3, CV_16UC1, CV_32FC1})
      for (const auto& size : {cv::Size(33, 70), cv::Size(64, 5), cv::Size(1, 9)}) {
        const cv::Mat in = noise(size.height, size.width, type);
        KeepingEmitter whole;
        if (!opened(task, params)->process(frame_of(in), whole).ok()) continue;  // not of these values
        for (const auto* tiles : {"4x1", "3x2", "1x1", "20x4"}) {
          const cv::Mat got = through_tiles(grid(tiles, declared_halo(task, params)), task, params, in);
          EXPECT_EQ(got.type(), whole.only().image.type());
          EXPECT_EQ(largest_difference(got, whole.only().image), 0)
              << task << " of type " << type << " in " << tiles << " of " << size;
          ++compared;
        }
        tasks.insert(task);
      }
  }
  EXPECT_GT(compared, 300);
  for (const auto& [task, params] : variants())
    EXPECT_TRUE(task == "delay" || tasks.contains(task)) << task << " took none of the pictures";
}

TEST(SplitMerge, WithLessThanTheHaloThePicturesDiffer) {
  const cv::Mat in = noise(60, 40, CV_8UC1);
  const ParamValues params = {{"ksize", std::int64_t{9}}};
  EXPECT_GT(
      largest_difference(through_tiles(grid("3x1", 3), "gaussian_blur", params, in), run("gaussian_blur", params, in)),
      0);
}

TEST(SplitMerge, TheHalosOfTwoTasksAddUp) {
  const cv::Mat in = noise(90, 40, CV_8UC1);
  const ParamValues wide = {{"ksize", std::int64_t{9}}}, narrow = {{"ksize", std::int64_t{3}}};
  const auto merged = [&](std::int64_t halo) {
    KeepingEmitter tiles, first, second, whole;
    EXPECT_TRUE(opened("split", {{"stripes", std::int64_t{5}}, {"halo", halo}})->process(frame_of(in), tiles).ok());
    const auto blur = opened("gaussian_blur", wide), median = opened("median_blur", narrow), merge = opened("merge");
    for (const auto& tile : tiles.frames["out"]) EXPECT_TRUE(blur->process(tile, first).ok());
    for (const auto& tile : first.frames["out"]) EXPECT_TRUE(median->process(tile, second).ok());
    for (const auto& tile : second.frames["out"]) EXPECT_TRUE(merge->process(tile, whole).ok());
    return whole.only().image;
  };
  const cv::Mat wanted = run("median_blur", narrow, run("gaussian_blur", wide, in));
  EXPECT_EQ(largest_difference(merged(5), wanted), 0);
  EXPECT_GT(largest_difference(merged(4), wanted), 0);
}

TEST(SplitMerge, ASplitSaysWhatItCannotDo) {
  EXPECT_THAT(problem("split", {}), HasSubstr("state either stripes"));
  EXPECT_THAT(problem("split", {{"stripes", std::int64_t{2}}, {"tiles", std::string("2x2")}}), HasSubstr("either"));
  for (const auto* tiles : {"2", "x", "0x3", "2x3x4", "200x2", "-1x2", "2x"})
    EXPECT_THAT(problem("split", {{"tiles", std::string(tiles)}}), HasSubstr("for example 2x3")) << tiles;
  EXPECT_THAT(try_open("split", {{"stripes", std::int64_t{2}}}).error().message, HasSubstr("halo is not known"));
}

TEST(SplitMerge, TilesThatWouldWeighFarMoreThanTheirPictureAreRefused) {
  KeepingEmitter out;
  const auto cut = opened("split", {{"tiles", std::string("16x16")}, {"halo", std::int64_t{1000}}});
  const auto refused = cut->process(frame_of(cv::Mat::zeros(1000, 1000, CV_32FC3)), out);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("its 256 tiles have 256 times the pixels of the picture"));
  EXPECT_TRUE(out.frames.empty());
}

class MergeTest : public testing::Test {
 protected:
  MergeTest() { EXPECT_TRUE(opened("split", grid("3x1", 2))->process(frame_of(noise(30, 20, CV_8UC1)), cut_).ok()); }
  Frame tile(std::size_t index) { return cut_.frames["out"].at(index); }
  std::string error_at(const Frame& frame) {
    const auto put = merge_->process(frame, out_);
    return put.ok() ? "" : put.error().message;
  }

  KeepingEmitter cut_, out_;
  std::unique_ptr<Task> merge_ = opened("merge");
};

TEST_F(MergeTest, WhatIsNoTileOrComesOutOfOrderIsAnErrorAndTheNextPictureIsNot) {
  EXPECT_THAT(error_at(frame_of(noise(4, 4, CV_8UC1))), HasSubstr("is no tile"));
  EXPECT_THAT(error_at(tile(1)), HasSubstr("tile 2 of 3 does not follow"));
  EXPECT_EQ(error_at(tile(0)), "");
  EXPECT_THAT(error_at(tile(2)), HasSubstr("tile 3 of 3 does not follow"));
  for (const std::size_t index : {0, 1, 2}) EXPECT_EQ(error_at(tile(index)), "");
  EXPECT_EQ(out_.frames["out"].size(), 1U);
}

TEST_F(MergeTest, ATileOfAnotherSizeOrTypeIsAnError) {
  auto cropped = tile(0);
  cropped.image = cropped.image.rowRange(0, 5).clone();
  EXPECT_THAT(error_at(cropped), HasSubstr("has 20x5 pixels instead of 20x12"));
  EXPECT_EQ(error_at(tile(0)), "");
  auto coloured = tile(1);
  coloured.image = noise(coloured.image.rows, coloured.image.cols, CV_8UC3);
  EXPECT_THAT(error_at(coloured), HasSubstr("has other values than the first"));
}

}  // namespace
}  // namespace ride::tasks
