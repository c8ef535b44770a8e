// box_blur, median_blur, bilateral_filter and sharpen against their definitions in doubles.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>

#include "tests/tasks/harness.h"

namespace ride::tasks {
namespace {

ParamValues window(std::int64_t ksize) { return {{"ksize", ksize}}; }

cv::Mat mean_of_windows(const cv::Mat& in, int ksize) {
  const int radius = ksize / 2;
  return picture_of(in.size(), in.type(), [&](int y, int x, int c) {
    double sum = 0;
    for (int j = -radius; j <= radius; ++j)
      for (int i = -radius; i <= radius; ++i) sum += value_at(in, y + j, x + i, c);
    return sum / (ksize * ksize);
  });
}

TEST(BoxBlur, EqualsTheRoundedMeanOfTheWindow) {
  for (const int type : {CV_8UC1, CV_8UC3, CV_8UC4, CV_16UC1, CV_16UC3}) {
    for (const cv::Size size : kSizes) {
      for (const int ksize : {1, 3, 5, 15, 17, 61}) {  // up to 15 OpenCV adds in 16 bits, from 17 in 32
        const cv::Mat in = noise(size.height, size.width, type);
        const double tolerance = CV_MAT_DEPTH(type) == CV_8U ? 0 : 1;
        EXPECT_LE(largest_difference(run("box_blur", window(ksize), in), mean_of_windows(in, ksize)), tolerance)
            << type << size << ksize;
      }
    }
  }
}

TEST(BoxBlur, WithTheLargestWindowItAddsUpWithoutOverflow) {
  for (const int type : {CV_8UC1, CV_16UC1}) {
    const cv::Mat white(5, 6, type, cv::Scalar::all(type == CV_8UC1 ? 255 : 65535));
    EXPECT_EQ(largest_difference(run("box_blur", window(201), white), white), 0);
    const cv::Mat in = noise(6, 9, type);
    EXPECT_LE(largest_difference(run("box_blur", window(201), in), mean_of_windows(in, 201)), 1);
  }
}

// The pixels at the edge are repeated.
cv::Mat median_of_windows(const cv::Mat& in, int ksize) {
  const int radius = ksize / 2;
  return picture_of(in.size(), in.type(), [&](int y, int x, int c) {
    std::vector<double> values;
    for (int j = -radius; j <= radius; ++j) {
      for (int i = -radius; i <= radius; ++i)
        values.push_back(value_at(in, std::clamp(y + j, 0, in.rows - 1), std::clamp(x + i, 0, in.cols - 1), c));
    }
    std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
    return values[values.size() / 2];
  });
}

TEST(MedianBlur, EqualsTheMedianOfTheWindow) {
  for (const int type : {CV_8UC1, CV_8UC3, CV_8UC4}) {
    for (const cv::Size size : kSizes) {
      for (const int ksize : {1, 3, 5, 7, 15, 31}) {  // OpenCV has three methods
        const cv::Mat in = noise(size.height, size.width, type);
        EXPECT_EQ(largest_difference(run("median_blur", window(ksize), in), median_of_windows(in, ksize)), 0)
            << type << size << ksize;
      }
    }
  }
  const cv::Mat in = noise(5, 4, CV_8UC1);
  EXPECT_EQ(largest_difference(run("median_blur", window(201), in), median_of_windows(in, 201)), 0);
}

TEST(MedianBlur, RemovesASingleWrongPixelAndKeepsAnEdge) {
  cv::Mat step(20, 20, CV_8UC1, cv::Scalar(0));
  step.colRange(10, 20) = 200;
  cv::Mat spoilt = step.clone();
  spoilt.at<std::uint8_t>(5, 5) = 255;
  EXPECT_EQ(largest_difference(run("median_blur", window(3), spoilt), step), 0);
}

cv::Mat bilateral(const cv::Mat& in, int ksize, double sigma_color, double sigma_space) {
  const int radius = ksize / 2, channels = in.channels();
  const auto weight = [&](int y, int x, int j, int i) {
    double apart = 0;
    for (int c = 0; c < channels; ++c) apart += std::abs(value_at(in, y + j, x + i, c) - value_at(in, y, x, c));
    return std::exp(-apart * apart / (2 * sigma_color * sigma_color) -
                    (i * i + j * j) / (2 * sigma_space * sigma_space));
  };
  return picture_of(in.size(), in.type(), [&](int y, int x, int c) {
    double sum = 0, weights = 0;
    for (int j = -radius; j <= radius; ++j) {
      for (int i = -radius; i <= radius; ++i) {
        if (i * i + j * j > radius * radius) continue;
        const double w = weight(y, x, j, i);
        sum += w * value_at(in, y + j, x + i, c);
        weights += w;
      }
    }
    return sum / weights;
  });
}

TEST(BilateralFilter, EqualsItsDefinitionWithinOneGreyLevel) {
  for (const int type : {CV_8UC1, CV_8UC3}) {
    for (const cv::Size size : kSizes) {
      for (const int ksize : {3, 9, 21}) {
        const cv::Mat in = noise(size.height, size.width, type);
        const ParamValues params = {{"ksize", std::int64_t{ksize}}, {"sigma_color", 60.0}, {"sigma_space", 2.5}};
        EXPECT_LE(largest_difference(run("bilateral_filter", params, in), bilateral(in, ksize, 60, 2.5)), 1)
            << type << size << ksize;
      }
    }
  }
}

TEST(BilateralFilter, GivesTheSameWhereItsBandsMeetAndAtTheLastRows) {
  for (const int rows : {128, 129, 150, 261}) {  // bands have 128
    const cv::Mat in = noise(rows, 9, CV_8UC3);
    const ParamValues params = {{"ksize", std::int64_t{21}}, {"sigma_color", 60.0}, {"sigma_space", 4.0}};
    EXPECT_LE(largest_difference(run("bilateral_filter", params, in), bilateral(in, 21, 60, 4)), 1) << rows;
  }
}

TEST(BilateralFilter, SmoothsWithinAnAreaAndNotAcrossItsEdge) {
  const cv::Mat step =
      picture_of({24, 20}, CV_8UC1, [](int y, int x, int) { return (x < 12 ? 40 : 200) + (x + y) % 2; });
  const cv::Mat out = run("bilateral_filter", {{"sigma_color", 10.0}}, step);
  for (int x = 0; x < 24; ++x) EXPECT_NEAR(value_at(out, 10, x, 0), x < 12 ? 40.5 : 200.5, 0.5) << x;
}

cv::Mat unsharp(const cv::Mat& in, double sigma, double amount) {
  const int radius = static_cast<int>(std::ceil(3 * sigma));
  std::vector<double> weight;
  double total = 0;
  for (int d = -radius; d <= radius; ++d) total += weight.emplace_back(std::exp(-d * d / (2 * sigma * sigma)));
  return picture_of(in.size(), in.type(), [&](int y, int x, int c) {
    double mean = 0;
    for (int j = -radius; j <= radius; ++j)
      for (int i = -radius; i <= radius; ++i)
        mean += weight[j + radius] * weight[i + radius] / (total * total) * value_at(in, y + j, x + i, c);
    const double value = value_at(in, y, x, c);
    return value + amount * (value - mean);
  });
}

TEST(Sharpen, EqualsTheUnsharpMaskWithinOneGreyLevel) {
  for (const int type : {CV_8UC1, CV_8UC3}) {
    for (const cv::Size size : kSizes) {
      for (const double sigma : {0.3, 1.5, 6.0}) {
        for (const double amount : {0.5, 1.0, 4.0, 20.0}) {
          const cv::Mat in = noise(size.height, size.width, type);
          const cv::Mat out = run("sharpen", {{"sigma", sigma}, {"amount", amount}}, in);
          EXPECT_LE(largest_difference(out, unsharp(in, sigma, amount)), 1) << type << size << sigma << " " << amount;
        }
      }
    }
  }
}

TEST(Sharpen, ChangesNothingByNothingAndNoEvenArea) {
  const cv::Mat in = noise(9, 8, CV_8UC3), even(9, 8, CV_8UC4, cv::Scalar(0, 1, 254, 255));
  EXPECT_EQ(largest_difference(run("sharpen", {{"amount", 0.0}}, in), in), 0);
  EXPECT_EQ(largest_difference(run("sharpen", {{"amount", 20.0}}, even), even), 0);
}

TEST(Sharpen, LeavesAnEvenAreaOfEachValueAsItIsWhateverTheAmount) {
  for (int value = 0; value < 256; ++value) {
    const cv::Mat even(12, 40, CV_8UC1, cv::Scalar(value));
    for (const double sigma : {0.5, 1.0, 1.5, 1.6})
      for (const double amount : {1.0, 4.0, 4.1})
        ASSERT_EQ(largest_difference(run("sharpen", {{"sigma", sigma}, {"amount", amount}}, even), even), 0)
            << value << " " << sigma << " " << amount;
  }
}

TEST(Smoothing, StripesWithTheirHaloAreBitExactWithTheWhole) {
  for (const int type : {CV_8UC1, CV_8UC3}) {
    const cv::Mat in = noise(83, 33, type);
    for (const std::int64_t ksize : {3, 7, 21}) {
      for (const char* task : {"box_blur", "median_blur", "bilateral_filter"})
        expect_stripes_equal_the_whole(task, window(ksize), in, declared_halo(task, window(ksize)));
    }
    for (const double sigma : {0.5, 1.5, 4.0}) {
      const ParamValues params = {{"sigma", sigma}};
      expect_stripes_equal_the_whole("sharpen", params, in, declared_halo("sharpen", params));
    }
  }
  expect_stripes_equal_the_whole("box_blur", window(21), noise(83, 33, CV_16UC1), 10);
  for (const char* task : {"box_blur", "median_blur"})
    EXPECT_GT(difference_in_stripes(task, window(7), noise(83, 33, CV_8UC1), 2), 0) << "a row less is too few";
  EXPECT_EQ(declared_halo("box_blur", window(61)), 30);
  EXPECT_EQ(declared_halo("sharpen", {{"sigma", 1.5}}), 5);
}

TEST(Smoothing, DoesNotSeeBeyondAViewIntoALargerPicture) {
  for (const char* task : {"box_blur", "median_blur", "bilateral_filter"})
    for (const std::int64_t ksize : {3, 5, 9, 21}) expect_views_are_whole_pictures(task, window(ksize), CV_8UC3);
  expect_views_are_whole_pictures("sharpen", {}, CV_8UC3);
}

TEST(Smoothing, RefusesEvenWindowsAndOtherPictures) {
  for (const char* task : {"box_blur", "median_blur", "bilateral_filter"}) {
    EXPECT_NE(problem(task, window(4)).find("'ksize' is 4, but an odd number is needed"), std::string::npos);
    EXPECT_NE(problem(task, window(203)).find("'ksize'"), std::string::npos);
    EXPECT_NE(error_of(task, {}, frame_of(noise(4, 4, CV_32FC1))).find("allowed: values of 8U"), std::string::npos);
  }
  EXPECT_NE(problem("bilateral_filter", {{"sigma_color", 0.0}}).find("'sigma_color'"), std::string::npos);
  EXPECT_NE(problem("sharpen", {{"sigma", 40.0}}).find("'sigma'"), std::string::npos);
  EXPECT_NE(error_of("median_blur", {}, frame_of(noise(4, 4, CV_8UC2))).find("1, 3, 4 channels"), std::string::npos);
  EXPECT_NE(error_of("sharpen", {}, frame_of(noise(4, 4, CV_16UC1))).find("allowed: values of 8U"), std::string::npos);
  EXPECT_NE(error_of("sharpen", {}, frame_of(cv::Mat())).find("empty"), std::string::npos);
}

}  // namespace
}  // namespace ride::tasks
