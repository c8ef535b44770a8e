// SURF's kernel against its definition, in doubles and without integral images, and on blobs of known place and size.
#include "worker/tasks/surf_kernel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <opencv2/core.hpp>

#include "tests/tasks/keypoint_checks.h"

namespace ride::tasks {
namespace {

std::vector<SurfPoint> surf_of(const cv::Mat& gray, const SurfSearch& search = {}) {
  const BoxSums sums(gray);
  auto points = find_surf_points(sums, search, 1);
  describe_surf_points(sums, search.upright, points, 1);
  return points;
}

// --- The definition --------------------------------------------------------------------------------------------------

double sum_of_box(const cv::Mat& in, int left, int top, int right, int bottom) {
  double sum = 0;
  for (int y = top; y < bottom; ++y)
    for (int x = left; x < right; ++x) sum += in.at<std::uint8_t>(y, x);
  return sum;
}

double mean_of_box(const cv::Mat& in, int left, int top, int right, int bottom) {
  return sum_of_box(in, left, top, right, bottom) / ((right - left) * (bottom - top));
}

struct HessianAt {
  double xx, yy, xy;
  double response() const { return xx * yy - 0.81 * xy * xy; }
};

// Bay et al., figure 2: boxes of a filter of 9 x 9 pixels (left, top, right, bottom, weight), scaled to `size`.
HessianAt hessian(const cv::Mat& in, int left, int top, int size) {
  const auto filter = [&](const std::vector<std::array<int, 5>>& boxes) {
    double sum = 0;
    for (const auto& b : boxes) {
      const auto at = [&](int i) { return static_cast<int>(std::floor(b[i] * size / 9.0 + 0.5)); };
      sum += b[4] * mean_of_box(in, left + at(0), top + at(1), left + at(2), top + at(3));
    }
    return sum;
  };
  return {filter({{0, 2, 3, 7, 1}, {3, 2, 6, 7, -2}, {6, 2, 9, 7, 1}}),
          filter({{2, 0, 7, 3, 1}, {2, 3, 7, 6, -2}, {2, 6, 7, 9, 1}}),
          filter({{1, 1, 4, 4, 1}, {5, 1, 8, 4, -1}, {1, 5, 4, 8, -1}, {5, 5, 8, 8, 1}})};
}

// All filters of one octave, by the place of their middle in steps: the response, NaN where the filter leaves the
// picture.
struct DefinedOctave {
  const cv::Mat& in;
  int step;

  double response(int layer, int row, int col) const {
    const int size = (9 + 6 * layer) * step, left = col * step + step / 2 - size / 2,
              top = row * step + step / 2 - size / 2;
    if (left < 0 || top < 0 || left + size > in.cols || top + size > in.rows) return NAN;
    return hessian(in, left, top, size).response();
  }
};

// The top of the parabola through the 27 values, with OpenCV's solver.
cv::Vec3d defined_top(const double (&v)[3][3][3]) {
  const auto at = [&](int x, int y, int z) { return v[z + 1][y + 1][x + 1]; };
  const auto along = [&](const cv::Vec3i& d) { return at(d[0], d[1], d[2]) - at(-d[0], -d[1], -d[2]); };
  const cv::Vec3i axis[3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
  cv::Matx33d second;
  cv::Vec3d first, top;
  for (int i = 0; i < 3; ++i) {
    first[i] = along(axis[i]) / 2;
    for (int j = 0; j < 3; ++j) {
      const cv::Vec3i sum = axis[i] + axis[j], difference = axis[i] - axis[j];
      const auto both = [&](const cv::Vec3i& d) { return at(d[0], d[1], d[2]) + at(-d[0], -d[1], -d[2]); };
      second(i, j) = i == j ? both(axis[i]) - 2 * at(0, 0, 0) : (both(sum) - both(difference)) / 4;
    }
  }
  cv::solve(second, -first, top, cv::DECOMP_SVD);
  return top;
}

std::vector<SurfPoint> defined_points(const cv::Mat& in, const SurfSearch& search) {
  std::vector<SurfPoint> found;
  for (int octave = 0; octave < search.octaves; ++octave) {
    const DefinedOctave defined{in, 1 << octave};
    // Layers as pictures, since each response is needed 27 times.
    std::vector<cv::Mat> layers;
    const cv::Size size(in.cols / defined.step + 1, in.rows / defined.step + 1);
    for (int i = 0; i < search.layers + 2; ++i) {
      layers.emplace_back(size, CV_64FC1);
      for (int y = 0; y < size.height; ++y)
        for (int x = 0; x < size.width; ++x) layers[i].at<double>(y, x) = defined.response(i, y, x);
    }
    for (int i = 1; i <= search.layers; ++i) {
      for (int y = 1; y < size.height - 1; ++y) {
        for (int x = 1; x < size.width - 1; ++x) {
          double around[3][3][3];
          const double value = layers[i].at<double>(y, x);
          bool highest = value > search.threshold;
          for (int k = 0; k < 27; ++k) {
            const double other = layers[i + k / 9 - 1].at<double>(y + k / 3 % 3 - 1, x + k % 3 - 1);
            around[k / 9][k / 3 % 3][k % 3] = other;
            highest = highest && (k == 13 || value > other);  // false for NaN
          }
          if (!highest) continue;
          const cv::Vec3d top = defined_top(around);
          if (std::max({std::abs(top[0]), std::abs(top[1]), std::abs(top[2])}) > 1) continue;
          const double shift = defined.step / 2.0 - 0.5;
          found.push_back({.x = (x + top[0]) * defined.step + shift,
                           .y = (y + top[1]) * defined.step + shift,
                           .size = (9 + 6 * (i + top[2])) * defined.step,
                           .response = value});
        }
      }
    }
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.response > b.response; });
  return found;
}

TEST(SurfKernel, FindsThePointsOfTheDefinition) {
  std::size_t all = 0;
  for (const SurfSearch& search :
       {SurfSearch{.threshold = 1, .octaves = 3}, SurfSearch{.threshold = 0.5, .octaves = 2, .layers = 1},
        SurfSearch{.threshold = 100, .octaves = 1, .layers = 4}}) {
    for (const cv::Mat& in : {textured({101, 70}, 1), textured({64, 87}, 2), noise(40, 41, CV_8UC1)}) {
      const auto wanted = defined_points(in, search);
      const auto got = surf_of(in, search);
      ASSERT_EQ(got.size(), wanted.size()) << in.size() << search.threshold;
      for (std::size_t i = 0; i < got.size(); ++i) {
        EXPECT_NEAR(got[i].x, wanted[i].x, 0.01);
        EXPECT_NEAR(got[i].y, wanted[i].y, 0.01);
        EXPECT_NEAR(got[i].size, wanted[i].size, 0.01 * wanted[i].size);
        EXPECT_NEAR(got[i].response, wanted[i].response, 1e-3 * wanted[i].response);
      }
      all += got.size();
    }
  }
  EXPECT_GT(all, 50u);
}

// Wavelet of 2 * half pixels around the corner of pixels (x, y): none where it leaves the picture.
cv::Vec2d defined_wavelet(const cv::Mat& in, double at_x, double at_y, double wanted_half) {
  const auto nearest = [](double value) { return static_cast<int>(std::floor(value + 0.5)); };
  const int x = nearest(at_x), y = nearest(at_y), half = std::max(1, nearest(wanted_half));
  const int left = x - half, top = y - half, right = x + half, bottom = y + half;
  if (left < 0 || top < 0 || right > in.cols || bottom > in.rows) return {0, 0};
  return {sum_of_box(in, x, top, right, bottom) - sum_of_box(in, left, top, x, bottom),
          sum_of_box(in, left, y, right, bottom) - sum_of_box(in, left, top, right, y)};
}

// The mean over a square of `side` pixels around a place: of the four nearest places on whole pixels, weighed.
double defined_mean(const cv::Mat& in, double x, double y, int side) {
  const double left = std::clamp(x - side / 2.0, 0.0, in.cols - side - 1.0);
  const double top = std::clamp(y - side / 2.0, 0.0, in.rows - side - 1.0);
  double mean = 0;
  for (int k = 0; k < 4; ++k) {
    const double column = std::floor(left) + k % 2, row = std::floor(top) + k / 2;
    const double weight = (1 - std::abs(left - column)) * (1 - std::abs(top - row));
    const int from_x = static_cast<int>(column), from_y = static_cast<int>(row);
    if (weight > 0) mean += weight * mean_of_box(in, from_x, from_y, from_x + side, from_y + side);
  }
  return mean;
}

std::vector<double> defined_descriptor(const cv::Mat& in, const SurfPoint& point) {
  const double s = point.size * 1.2 / 9, angle = point.angle * CV_PI / 180;
  const cv::Matx22d turn(std::cos(angle), -std::sin(angle), std::sin(angle), std::cos(angle));
  const int side = std::max(1, static_cast<int>(std::floor(s + 0.5)));
  std::array<double, 441> means;
  for (int k = 0; k < 441; ++k) {
    const cv::Vec2d place = turn * cv::Vec2d(k % 21 - 10, k / 21 - 10) * s;
    means[k] = defined_mean(in, point.x + 0.5 + place[0], point.y + 0.5 + place[1], side);
  }
  std::vector<double> values(64);
  for (int k = 0; k < 400; ++k) {
    const cv::Vec2d at(k % 20 - 9.5, k / 20 - 9.5);
    const double weight = std::exp(-at.dot(at) / (2 * 5 * 5));
    const double *upper = &means[k / 20 * 21 + k % 20], *lower = upper + 21;
    const double dx = weight * (upper[1] + lower[1] - upper[0] - lower[0]);
    const double dy = weight * (lower[0] + lower[1] - upper[0] - upper[1]);
    double* cell = &values[4 * (k / 20 / 5 * 4 + k % 20 / 5)];
    cell[0] += dx, cell[1] += dy, cell[2] += std::abs(dx), cell[3] += std::abs(dy);
  }
  const double length = std::sqrt(std::inner_product(values.begin(), values.end(), values.begin(), 0.0));
  for (double& v : values) v /= length;
  return values;
}

double defined_angle(const cv::Mat& in, const SurfPoint& point) {
  const double s = point.size * 1.2 / 9;
  std::vector<cv::Vec2d> wavelets;
  for (int k = 0; k < 169; ++k) {
    const int x = k % 13 - 6, y = k / 13 - 6;
    if (x * x + y * y > 36) continue;
    wavelets.push_back(defined_wavelet(in, point.x + 0.5 + x * s, point.y + 0.5 + y * s, 2 * s) *
                       std::exp(-(x * x + y * y) / (2 * 2.5 * 2.5)));
  }
  double longest = -1, best = 0;
  for (int first = 0; first < 360; first += 5) {
    cv::Vec2d sum;
    for (const cv::Vec2d& w : wavelets)
      if (std::fmod(std::atan2(w[1], w[0]) * 180 / CV_PI + 720 - first, 360) < 60) sum += w;
    if (sum.dot(sum) > longest) longest = sum.dot(sum), best = std::atan2(sum[1], sum[0]) * 180 / CV_PI;
  }
  return best;
}

TEST(SurfKernel, AnglesAndDescriptorsAreThoseOfTheDefinition) {
  const cv::Mat in = textured({260, 200}, 3);
  const auto points = surf_of(in);
  ASSERT_GT(points.size(), 60u);
  int other_angles = 0;
  for (std::size_t i = 0; i < 60; ++i) {
    // A wavelet at the edge of a window may fall to either side of it.
    other_angles += std::abs(std::remainder(points[i].angle - defined_angle(in, points[i]), 360.0)) > 2;
    const auto wanted = defined_descriptor(in, points[i]);
    for (int k = 0; k < 64; ++k) EXPECT_NEAR(points[i].descriptor[k], wanted[k], 1e-4) << i << " " << k;
  }
  EXPECT_LE(other_angles, 2);
}

TEST(SurfKernel, UprightPointsHaveNoAngleAndDescriptorsOfLengthOne) {
  const auto points = surf_of(textured({200, 160}, 4), {.upright = true});
  ASSERT_GT(points.size(), 20u);
  for (const SurfPoint& p : points) {
    EXPECT_EQ(p.angle, 0);
    EXPECT_NEAR(std::inner_product(p.descriptor.begin(), p.descriptor.end(), p.descriptor.begin(), 0.0), 1, 1e-5);
  }
}

TEST(SurfKernel, FindsBlobsWhereTheyAreInTheirSizeAndKind) {
  for (const double sigma : {2.5, 4.0, 7.0, 12.0, 20.0}) {
    for (const double height : {-110.0, 110.0}) {
      const double x = 120.3, y = 117.6;
      const cv::Mat in = picture_of({240, 240}, CV_8UC1, [&](int row, int col, int) {
        return 128 + height * std::exp(-(std::pow(col - x, 2) + std::pow(row - y, 2)) / (2 * sigma * sigma));
      });
      const auto points = surf_of(in);
      ASSERT_FALSE(points.empty()) << sigma;
      EXPECT_NEAR(points[0].x, x, 0.1 * sigma);
      EXPECT_NEAR(points[0].y, y, 0.1 * sigma);
      // Boxes of all sizes alike: they respond most where their s is 0.73 of the blob's sigma. With Gaussians it would
      // be the sigma itself.
      EXPECT_NEAR(points[0].size * 1.2 / 9, 0.73 * sigma, 0.06 * sigma);
      EXPECT_EQ(points[0].bright, height > 0);
    }
  }
}

TEST(SurfKernel, SumsAreExactWhereTheWholePictureHasMoreThanTheyHold) {
  cv::Mat white(4300, 4200, CV_8UC1, cv::Scalar(255));  // 4.6e9
  noise(100, 100, CV_8UC1).copyTo(white(cv::Rect(4100, 4200, 100, 100)));
  const BoxSums sums(white);
  EXPECT_EQ(sums.box(4050, 4150, 4200, 4300), sum_of_box(white, 4050, 4150, 4200, 4300));
  EXPECT_EQ(sums.box(0, 0, 2900, 2900), 255 * 2900 * 2900);
  EXPECT_EQ(sums.box(1300, 1400, 4200, 4300), sum_of_box(white, 1300, 1400, 4200, 4300));
}

}  // namespace
}  // namespace ride::tasks
