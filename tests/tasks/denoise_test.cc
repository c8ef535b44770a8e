// denoise against the definition of non-local means, in doubles.
#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/imgproc.hpp>
#include <opencv2/photo.hpp>

#include "tests/tasks/harness.h"

namespace ride::tasks {
namespace {

ParamValues windows(std::int64_t template_size, std::int64_t search_size, double h) {
  return {{"template_size", template_size}, {"search_size", search_size}, {"h", h}, {"h_color", h}};
}

// All channels together: a weight is that of the mean squared difference of the patches, over channels and pixels.
cv::Mat non_local_means(const cv::Mat& in, int template_size, int search_size, double h) {
  const int patch = template_size / 2, reach = search_size / 2, channels = in.channels();
  const auto weight = [&](int y, int x, int j, int i) {
    double apart = 0;
    for (int v = -patch; v <= patch; ++v)
      for (int u = -patch; u <= patch; ++u)
        for (int c = 0; c < channels; ++c)
          apart += std::pow(value_at(in, y + v, x + u, c) - value_at(in, y + j + v, x + i + u, c), 2);
    const double found = std::exp(-apart / (template_size * template_size * channels * h * h));
    return found < 0.001 ? 0 : found;  // OpenCV's limit
  };
  std::vector<double> weights(static_cast<std::size_t>(search_size) * search_size);
  int last_y = -1, last_x = -1;
  return picture_of(in.size(), in.type(), [&](int y, int x, int c) {
    if (y != last_y || x != last_x) {
      for (int j = -reach; j <= reach; ++j)
        for (int i = -reach; i <= reach; ++i) weights[(j + reach) * search_size + i + reach] = weight(y, x, j, i);
      last_y = y, last_x = x;
    }
    double sum = 0, total = 0;
    for (int j = -reach; j <= reach; ++j) {
      for (int i = -reach; i <= reach; ++i) {
        const double w = weights[(j + reach) * search_size + i + reach];
        sum += w * value_at(in, y + j, x + i, c), total += w;
      }
    }
    return sum / total;
  });
}

// Two areas and noise of a standard deviation of `deviation`.
cv::Mat noisy_step(cv::Size size, int type, double deviation) {
  cv::RNG random(11);
  return picture_of(size, type, [&](int y, int x, int c) {
    return (x + y < size.width / 2 ? 60 : 180) - 10 * c + random.gaussian(deviation);
  });
}

TEST(Denoise, EqualsNonLocalMeansWithinTwoGreyLevels) {
  for (const cv::Size size : {cv::Size(1, 1), cv::Size(7, 1), cv::Size(17, 13), cv::Size(40, 30)}) {
    const cv::Mat in = noisy_step(size, CV_8UC1, 8);
    for (const auto& [patch, search] : {std::pair{7, 21}, {3, 9}, {1, 3}, {5, 35}}) {
      for (const double h : {3.0, 12.0, 60.0}) {
        EXPECT_LE(
            largest_difference(run("denoise", windows(patch, search, h), in), non_local_means(in, patch, search, h)), 2)
            << size << patch << " " << search << " " << h;
      }
    }
  }
}

TEST(Denoise, OfColorIsThatOfLightnessAndOfBothColorsInLab) {
  const cv::Mat in = noisy_step({36, 28}, CV_8UC3, 8);
  cv::Mat lab, planes[3], clean_color[2], wanted;
  cv::cvtColor(in, lab, cv::COLOR_LBGR2Lab);
  cv::split(lab, planes);
  cv::Mat color;
  cv::merge(planes + 1, 2, color);
  cv::split(non_local_means(color, 5, 11, 9), clean_color);
  const cv::Mat parts[] = {non_local_means(planes[0], 5, 11, 6), clean_color[0], clean_color[1]};
  cv::merge(parts, 3, wanted);
  cv::cvtColor(wanted, wanted, cv::COLOR_Lab2LBGR);
  ParamValues params = windows(5, 11, 6);
  params["h_color"] = 9.0;
  // A grey level of Lab is up to four of a channel.
  EXPECT_LE(largest_difference(run("denoise", params, in), wanted), 8);
}

double squared_error(const cv::Mat& a, const cv::Mat& b) { return std::pow(cv::norm(a, b), 2) / double(a.total()); }

TEST(Denoise, TakesMostOfTheNoiseAwayAndLeavesTheEdge) {
  for (const int type : {CV_8UC1, CV_8UC3}) {
    const cv::Mat clean = noisy_step({90, 80}, type, 0), in = noisy_step({90, 80}, type, 10);
    const cv::Mat out = run("denoise", {{"h", 10.0}, {"h_color", 10.0}}, in);
    EXPECT_LT(squared_error(out, clean), 0.15 * squared_error(in, clean)) << type;
    EXPECT_LT(largest_difference(out, clean), 60) << "an edge of 120 became soft";
  }
  const cv::Mat even(9, 40, CV_8UC1, cv::Scalar(7));
  EXPECT_EQ(largest_difference(run("denoise", {}, even), even), 0);
}

TEST(Denoise, GivesTheSameWhereItsBandsMeet) {
  const cv::Mat in = noise(150, 8200, CV_8UC3), gray = noise(150, 8200, CV_8UC1);  // a band has 128 rows there
  cv::Mat whole;
  cv::fastNlMeansDenoisingColored(in, whole, 60, 60, 3, 5);
  EXPECT_EQ(largest_difference(run("denoise", windows(3, 5, 60), in), whole), 0);
  cv::fastNlMeansDenoising(gray, whole, 60, 3, 5);
  EXPECT_EQ(largest_difference(run("denoise", windows(3, 5, 60), gray), whole), 0);
  KeepingEmitter out;
  ASSERT_TRUE(opened("denoise", windows(3, 5, 60))->process(frame_of(gray), out));
  EXPECT_EQ(out.progress_calls, 2);
}

TEST(Denoise, DoesNotSeeBeyondAViewAndRefusesWhatItCannotDo) {
  for (const int type : {CV_8UC1, CV_8UC3}) expect_views_are_whole_pictures("denoise", windows(3, 9, 60), type);
  EXPECT_EQ(declared_halo("denoise", {}), 13);
  EXPECT_NE(problem("denoise", {{"search_size", std::int64_t{20}}}).find("odd"), std::string::npos);
  EXPECT_NE(problem("denoise", {{"search_size", std::int64_t{37}}}).find("from 3 to 35"), std::string::npos);
  EXPECT_NE(problem("denoise", {{"h", 0.0}}).find("'h'"), std::string::npos);
  EXPECT_NE(error_of("denoise", {}, frame_of(noise(4, 4, CV_8UC4))).find("1, 3 channels"), std::string::npos);
  EXPECT_NE(error_of("denoise", {}, frame_of(noise(4, 4, CV_16UC1))).find("allowed: values of 8U"), std::string::npos);
}

}  // namespace
}  // namespace ride::tasks
