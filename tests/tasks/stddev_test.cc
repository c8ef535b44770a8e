#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <opencv2/core.hpp>
#include <opencv2/core/utility.hpp>

#include "tests/tasks/harness.h"
#include "worker/tasks/stddev_kernel.h"

namespace ride::tasks {
namespace {

// The definition, two passes in long doubles, not yet rounded: of some rows, or all.
cv::Mat reference(const cv::Mat& in, int ksize, cv::Range rows = cv::Range::all()) {
  if (rows == cv::Range::all()) rows = cv::Range(0, in.rows);
  cv::Mat wide, out(rows.size(), in.cols, CV_MAKETYPE(CV_64F, in.channels()));
  in.convertTo(wide, CV_64F);
  const int channels = in.channels(), radius = ksize / 2;
  const auto mirror = [](int p, int length) { return cv::borderInterpolate(p, length, cv::BORDER_REFLECT_101); };
  for (int y = rows.start; y < rows.end; ++y) {
    for (int x = 0; x < in.cols * channels; ++x) {
      std::vector<double> values;
      for (int j = -radius; j <= radius; ++j) {
        const double* row = wide.ptr<double>(mirror(y + j, in.rows));
        for (int i = -radius; i <= radius; ++i) {
          values.push_back(row[mirror(x / channels + i, in.cols) * channels + x % channels]);
        }
      }
      long double mean = 0, variance = 0;
      for (const double v : values) mean += v;
      mean /= values.size();
      for (const double v : values) variance += (v - mean) * (v - mean);
      out.ptr<double>(y - rows.start)[x] = static_cast<double>(std::sqrt(variance / values.size()));
    }
  }
  return out;
}

// Off by one is allowed only where the exact value lies at a rounding edge.
void expect_close(const cv::Mat& out, const cv::Mat& exact, double edge, const std::string& what) {
  cv::Mat wide;
  out.convertTo(wide, CV_64F);
  EXPECT_LE(cv::norm(wide.reshape(1), exact.reshape(1), cv::NORM_INF), 0.5 + edge) << what;
}

TEST(StddevFilter, EqualsItsDefinitionInEachDepthWindowAndSize) {
  for (const int type : {CV_8UC1, CV_8UC2, CV_8UC3, CV_8UC4, CV_16UC1, CV_16UC3}) {
    for (const cv::Size size : {cv::Size(1, 1), cv::Size(1, 9), cv::Size(9, 1), cv::Size(2, 3), cv::Size(37, 21)}) {
      for (const int ksize : {1, 3, 5, 7, 9, 11, 13, 15, 17, 31}) {
        const cv::Mat in = noise(size.height, size.width, type, ksize);
        const cv::Mat out = run("stddev_filter", {{"ksize", std::int64_t{ksize}}}, in);
        ASSERT_EQ(out.type(), in.type());
        expect_close(out, reference(in, ksize), 1e-4,
                     cv::format("type %d, %dx%d, ksize %d", type, size.width, size.height, ksize));
      }
    }
  }
}

TEST(StddevFilter, TakesTheLargestWindowAndTheLargestValues) {
  for (const int type : {CV_8UC1, CV_16UC1}) {
    const double top = type == CV_8UC1 ? 255 : 65535;
    cv::Mat checks(60, 60, type, cv::Scalar(top));
    for (int y = 0; y < checks.rows; ++y) {
      for (int x = y % 2; x < checks.cols; x += 2) checks(cv::Rect(x, y, 1, 1)) = 0;
    }
    for (const int ksize : {15, 17, 201}) {
      const cv::Mat out = run("stddev_filter", {{"ksize", std::int64_t{ksize}}}, checks);
      expect_close(out.rowRange(20, 21), reference(checks, ksize, cv::Range(20, 21)), 1e-3,
                   cv::format("type %d, ksize %d", type, ksize));
      const cv::Mat full(40, 40, type, cv::Scalar(top));
      EXPECT_EQ(cv::countNonZero(run("stddev_filter", {{"ksize", std::int64_t{ksize}}}, full)), 0) << "a flat picture";
    }
  }
}

TEST(StddevFilter, FloatsKeepTheirUnit) {
  const cv::Mat in = noise(21, 17, CV_32FC3);
  for (const int ksize : {1, 3, 7, 31}) {
    cv::Mat out, exact = reference(in, ksize);
    run("stddev_filter", {{"ksize", std::int64_t{ksize}}}, in).convertTo(out, CV_64F);
    EXPECT_LE(cv::norm(out.reshape(1), exact.reshape(1), cv::NORM_INF), 1e-6) << ksize;
  }
}

TEST(StddevFilter, NotANumberStaysInTheWindowsThatHoldIt) {
  cv::Mat in = noise(20, 20, CV_32FC1);
  const cv::Mat clean = run("stddev_filter", {{"ksize", std::int64_t{3}}}, in);
  in.at<float>(5, 5) = std::numeric_limits<float>::quiet_NaN();
  in.at<float>(5, 15) = std::numeric_limits<float>::infinity();
  const cv::Mat out = run("stddev_filter", {{"ksize", std::int64_t{3}}}, in);
  int spoilt = 0;
  for (int y = 0; y < 20; ++y) {
    for (int x = 0; x < 20; ++x) {
      const bool touched = std::abs(y - 5) <= 1 && (std::abs(x - 5) <= 1 || std::abs(x - 15) <= 1);
      if (!std::isfinite(out.at<float>(y, x))) ++spoilt;
      if (!touched) {
        EXPECT_EQ(out.at<float>(y, x), clean.at<float>(y, x)) << x << "," << y;
      }
    }
  }
  EXPECT_EQ(spoilt, 18);
}

TEST(StddevFilter, ThreadsChangeNothing) {
  const OpenCvThreads threads(2);
  for (const int type : {CV_8UC1, CV_16UC1, CV_32FC1}) {
    const cv::Mat in = noise(200, 50, type);
    cv::Mat one(in.size(), type), three(in.size(), type);
    local_stddev(in, one, 7, 1);
    local_stddev(in, three, 7, 3);
    EXPECT_EQ(largest_difference(one, three), 0);
  }
}

}  // namespace
}  // namespace ride::tasks
