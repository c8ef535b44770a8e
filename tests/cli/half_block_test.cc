#include "cli/core/half_block.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace ride::cli {
namespace {

TEST(PictureText, TwoPixelsStandInOneCharacter) {
  cv::Mat image(2, 1, CV_8UC3);
  image.at<cv::Vec3b>(0, 0) = {0, 0, 255};  // red above
  image.at<cv::Vec3b>(1, 0) = {255, 0, 0};  // blue below
  EXPECT_EQ(picture_text(image, {.columns = 80, .lines = 24, .colour = true}),
            "\x1b[38;2;255;0;0m\x1b[48;2;0;0;255m▀\x1b[0m\n");
}

TEST(PictureText, AverageAndScaleFitTheDepth) {
  cv::Mat half(2, 2, CV_32FC1, cv::Scalar(0.5));
  EXPECT_THAT(picture_text(half, {.columns = 1, .lines = 1, .colour = true}), ::testing::HasSubstr("38;2;128;128;128"));
  cv::Mat deep(2, 2, CV_16UC1, cv::Scalar(65535));
  EXPECT_THAT(picture_text(deep, {.columns = 2, .lines = 1, .colour = true}), ::testing::HasSubstr("38;2;255;255;255"));
}

TEST(PictureText, FitsTheWindowAndKeepsTheShape) {
  const cv::Mat image(900, 1200, CV_8UC1, cv::Scalar(128));
  const std::string text = picture_text(image, {.columns = 80, .lines = 24, .colour = false});
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 24);
  EXPECT_EQ(text.find('\n'), 64U);  // 48 rows of pixels, 4:3
}

TEST(PictureText, WithoutColourBrighterMeansDenser) {
  cv::Mat image(1, 2, CV_8UC1);
  image.at<std::uint8_t>(0, 0) = 0;
  image.at<std::uint8_t>(0, 1) = 255;
  EXPECT_EQ(picture_text(image, {.columns = 80, .lines = 24, .colour = false}), " @\n");
}

TEST(PictureText, IsEmptyForNoPictureAndSafeForOddSizes) {
  EXPECT_EQ(picture_text({}, {}), "");
  EXPECT_NE(picture_text(cv::Mat(1, 10'000, CV_8UC1, cv::Scalar(9)), {.columns = 10, .lines = 1, .colour = true}), "");
  EXPECT_NE(picture_text(cv::Mat(10'000, 1, CV_8UC4, cv::Scalar::all(9)), {.columns = 10, .lines = 3, .colour = true}),
            "");
}

}  // namespace
}  // namespace ride::cli
