// perspective against the linear equations that define the mapping, and against itself there and back.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>
#include <opencv2/core.hpp>

#include "tests/tasks/harness.h"

namespace ride::tasks {
namespace {

using Corner = std::array<double, 2>;
using Quad = std::array<Corner, 4>;

constexpr Quad kWhole = {{{0, 0}, {1, 0}, {1, 1}, {0, 1}}};
constexpr Quad kSheet = {{{0.2, 0.15}, {0.85, 0.25}, {0.9, 0.8}, {0.1, 0.95}}};

ParamValue text_of(const Quad& quad) {
  std::string text;
  for (const auto& [x, y] : quad) text += std::to_string(x) + "," + std::to_string(y) + " ";
  return text;
}

ParamValues quads(const Quad& from, const Quad& to = kWhole) { return {{"from", text_of(from)}, {"to", text_of(to)}}; }

// The eight equations a x + b y + c - u (g x + h y + 1) = 0 and so on, of the places in the result (x, y) and in the
// picture (u, v), by elimination.
std::array<double, 9> mapping(const Quad& result, const Quad& picture) {
  std::array<std::array<double, 9>, 8> rows{};
  for (int i = 0; i < 4; ++i) {
    const auto [x, y] = result[i];
    const auto [u, v] = picture[i];
    rows[2 * i] = {x, y, 1, 0, 0, 0, -u * x, -u * y, u};
    rows[2 * i + 1] = {0, 0, 0, x, y, 1, -v * x, -v * y, v};
  }
  for (int col = 0; col < 8; ++col) {
    int best = col;
    for (int row = col; row < 8; ++row)
      if (std::abs(rows[row][col]) > std::abs(rows[best][col])) best = row;
    std::swap(rows[col], rows[best]);
    for (int row = 0; row < 8; ++row) {
      if (row == col) continue;
      const double factor = rows[row][col] / rows[col][col];
      for (int i = col; i < 9; ++i) rows[row][i] -= factor * rows[col][i];
    }
  }
  std::array<double, 9> found{};
  for (int i = 0; i < 8; ++i) found[i] = rows[i][8] / rows[i][i];
  found[8] = 1;
  return found;
}

cv::Mat seen(const cv::Mat& in, cv::Size size, const Quad& from, const Quad& to, double fill) {
  const auto m = mapping(to, from);
  const double corner_sign = m[6] * to[0][0] + m[7] * to[0][1] + 1;
  return picture_of(size, in.type(), [&](int row, int col, int c) {
    const double x = (col + 0.5) / size.width, y = (row + 0.5) / size.height, w = m[6] * x + m[7] * y + 1;
    if (w * corner_sign <= 0) return fill;
    const double u = (m[0] * x + m[1] * y + m[2]) / w * in.cols - 0.5;
    const double v = (m[3] * x + m[4] * y + m[5]) / w * in.rows - 0.5;
    if (std::abs(u) > 1e6 || std::abs(v) > 1e6) return fill;
    double sum = 0;
    for (int j = static_cast<int>(std::floor(v)); j <= std::floor(v) + 1; ++j) {
      for (int i = static_cast<int>(std::floor(u)); i <= std::floor(u) + 1; ++i) {
        const bool inside = i >= 0 && j >= 0 && i < in.cols && j < in.rows;
        sum += (1 - std::abs(u - i)) * (1 - std::abs(v - j)) * (inside ? value_at(in, j, i, c) : fill);
      }
    }
    return sum;
  });
}

TEST(Perspective, EqualsTheMappingOfItsCornersWithinOneGreyLevel) {
  constexpr Quad kMirrored = {{{1, 0}, {0, 0}, {0, 1}, {1, 1}}};
  constexpr Quad kSteep = {{{0.4, 0.3}, {0.6, 0.3}, {1, 1}, {0, 1}}};  // its horizon is in the result
  for (const int type : {CV_8UC1, CV_8UC2, CV_8UC3, CV_8UC4, CV_16UC1, CV_16UC3}) {
    const double fill = CV_MAT_DEPTH(type) == CV_16U ? 65535 : 255;
    for (const cv::Size size : kSizes) {
      const cv::Mat in = noise(size.height, size.width, type);
      for (const auto& [from, to] :
           {std::pair{kSheet, kWhole}, {kWhole, kSheet}, {kMirrored, kWhole}, {kSheet, kSteep}, {kSteep, kSheet}}) {
        ParamValues params = quads(from, to);
        params["fill"] = std::string("#ffffff");
        params["width"] = std::int64_t{33}, params["height"] = std::int64_t{21};
        EXPECT_LE(largest_difference(run("perspective", params, in), seen(in, {33, 21}, from, to, fill)), 1)
            << type << size;
      }
    }
  }
}

TEST(Perspective, OfTheWholePictureIsThePicture) {
  for (const int type : {CV_8UC1, CV_16UC3, CV_32FC4}) {
    const cv::Mat in = noise(23, 31, type);
    EXPECT_LE(largest_difference(run("perspective", quads(kWhole), in), in), CV_MAT_DEPTH(type) == CV_32F ? 1e-5 : 0);
  }
}

TEST(Perspective, ThereAndBackIsWhereItWas) {
  const cv::Mat smooth = picture_of(
      {120, 100}, CV_8UC1, [](int y, int x, int) { return 128 + 60 * std::sin(x / 11.0) + 60 * std::cos(y / 9.0); });
  const cv::Mat back = run("perspective", quads(kSheet, kWhole), run("perspective", quads(kWhole, kSheet), smooth));
  const cv::Rect inner(5, 5, 110, 90);
  EXPECT_LE(largest_difference(back(inner).clone(), smooth(inner).clone()), 4);
}

TEST(Perspective, TheFourCornersComeToTheCornersAndTheRestIsFilled) {
  cv::Mat in(100, 100, CV_8UC3, cv::Scalar(10, 20, 30));
  const cv::Point places[] = {{20, 10}, {80, 20}, {90, 90}, {10, 80}};
  for (int i = 0; i < 4; ++i)
    in(cv::Rect(places[i] - cv::Point(4, 4), cv::Size(8, 8))).setTo(cv::Scalar::all(50 * i + 60));
  const Quad from = {{{0.2, 0.1}, {0.8, 0.2}, {0.9, 0.9}, {0.1, 0.8}}};
  ParamValues params = quads(from);
  params["width"] = std::int64_t{64}, params["height"] = std::int64_t{48};
  const cv::Mat out = run("perspective", params, in);
  ASSERT_EQ(out.size(), cv::Size(64, 48));
  const cv::Point corners[] = {{0, 0}, {63, 0}, {63, 47}, {0, 47}};
  for (int i = 0; i < 4; ++i) EXPECT_EQ(out.at<cv::Vec3b>(corners[i]), cv::Vec3b::all(50 * i + 60)) << i;
  const cv::Mat small =
      run("perspective", quads(kWhole, {{{0.25, 0.25}, {0.75, 0.25}, {0.75, 0.75}, {0.25, 0.75}}}), in);
  EXPECT_EQ(small.at<cv::Vec3b>(5, 5), cv::Vec3b(0, 0, 0));
  EXPECT_EQ(small.at<cv::Vec3b>(50, 50), cv::Vec3b(10, 20, 30));
}

TEST(Perspective, StandsNumbersThatAreNotFiniteAndViews) {
  cv::Mat in(9, 9, CV_32FC1, cv::Scalar(0.25));
  in.at<float>(4, 4) = std::numeric_limits<float>::quiet_NaN();
  const cv::Mat out = run("perspective", quads(kSheet), in);
  EXPECT_NEAR(out.at<float>(0, 0), 0.25, 1e-6);
  EXPECT_FALSE(cv::checkRange(out)) << "NaN reaches what is interpolated from it";
  expect_views_are_whole_pictures("perspective", quads(kSheet), CV_8UC3);
  KeepingEmitter progress;
  ASSERT_TRUE(opened("perspective", quads(kSheet))->process(frame_of(noise(600, 4, CV_8UC1)), progress).ok());
  EXPECT_GE(progress.progress_calls, 3);
}

TEST(Perspective, RefusesCornersThatMakeNoShapeAndResultsThatNoMemoryHolds) {
  const auto problem_of = [](const std::string& from) { return problem("perspective", {{"from", from}}); };
  EXPECT_NE(problem("perspective", {}).find("'from'"), std::string::npos);
  EXPECT_EQ(problem_of("0,0 1,0 1,1 0,1"), "");
  EXPECT_NE(problem_of("0,0 1,0 1,1").find("3 corners are given; four are needed"), std::string::npos);
  EXPECT_NE(problem_of("0,0 0.5,0.5 1,1 0,1").find("on one line"), std::string::npos);
  EXPECT_NE(problem_of("0.5,0.5 0.5,0.5 1,1 0,1").find("on one line"), std::string::npos);
  EXPECT_NE(problem_of("0,0 1,1 1,0 0,1").find("sides cross"), std::string::npos);
  EXPECT_NE(problem_of("0,0 1,0 0.2,0.2 0,1").find("points inwards"), std::string::npos);
  EXPECT_NE(problem_of("0,0 1,0 1,1.5 0,1").find("from 0 to 1"), std::string::npos);
  EXPECT_NE(problem_of("here and there").find("list of numbers"), std::string::npos);
  EXPECT_NE(problem("perspective", {{"from", text_of(kWhole)}, {"to", std::string("0,0 1,0 1,0 0,1")}}).find("'to'"),
            std::string::npos);
  ParamValues huge = quads(kSheet);
  huge["width"] = huge["height"] = std::int64_t{65535};
  EXPECT_NE(error_of("perspective", huge, frame_of(noise(4, 4, CV_8UC3))).find("above the 4 GiB"), std::string::npos);
  huge["width"] = huge["height"] = std::int64_t{44000};
  EXPECT_NE(error_of("perspective", huge, frame_of(noise(4, 4, CV_32FC4))).find("above the 4 GiB"), std::string::npos);
  EXPECT_NE(error_of("perspective", quads(kSheet), frame_of(cv::Mat(4, 4, CV_32SC1, cv::Scalar(1)))).find("allowed"),
            std::string::npos);
  EXPECT_EQ(builtin_tasks().catalog().find("perspective")->halo, nullptr) << "pixels change their place";
}

TEST(Warps, GiveTheSameWithAnyNumberOfThreads) {
  const OpenCvThreads threads(3);
  const std::map<std::string, ParamValues> warps = {{"perspective", quads(kSheet)}, {"rotate", {{"angle", 30.0}}}};
  for (const auto& [name, params] : warps) {
    for (const int rows : {1, 64, 65, 331}) {
      const cv::Mat in = noise(rows, 300, CV_8UC3);
      TaskEnv env = env_for(name, params);
      env.threads = threads.count();
      auto task = builtin_tasks().find(name)->make();
      ASSERT_TRUE(task->open(env));
      KeepingEmitter out;
      ASSERT_TRUE(task->process(frame_of(in), out));
      EXPECT_EQ(largest_difference(out.only().image, run(name, params, in)), 0) << name << " " << rows;
    }
  }
}

}  // namespace
}  // namespace ride::tasks
