#include "test_runner/picture_compare.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "common/sha256.h"
#include "stream/core/frame_record.h"

namespace ride::test_runner {
namespace {

constexpr int kWindow = 11, kMargin = kWindow / 2;
constexpr double kSigma = 1.5, kK1 = 0.01, kK2 = 0.03;
constexpr int kStripRows = 256;  // so that a picture of any size takes little memory

cv::Mat windowed(const cv::Mat& values) {
  cv::Mat blurred;
  cv::GaussianBlur(values, blurred, {kWindow, kWindow}, kSigma, kSigma, cv::BORDER_REFLECT_101);
  return blurred(cv::Rect(kMargin, kMargin, values.cols - 2 * kMargin, values.rows - 2 * kMargin)).clone();
}

// Sum of the similarity over the places of one strip of one channel (64F).
double strip_sum(const cv::Mat& a, const cv::Mat& b, double peak) {
  const double c1 = std::pow(kK1 * peak, 2), c2 = std::pow(kK2 * peak, 2);
  const cv::Mat mean_a = windowed(a), mean_b = windowed(b);
  const cv::Mat squares_a = windowed(a.mul(a)), squares_b = windowed(b.mul(b)), products = windowed(a.mul(b));
  double sum = 0;
  for (int row = 0; row < mean_a.rows; ++row) {
    for (int col = 0; col < mean_a.cols; ++col) {
      const double ma = mean_a.at<double>(row, col), mb = mean_b.at<double>(row, col);
      const double var_a = squares_a.at<double>(row, col) - ma * ma, var_b = squares_b.at<double>(row, col) - mb * mb;
      const double covariance = products.at<double>(row, col) - ma * mb;
      sum += (2 * ma * mb + c1) * (2 * covariance + c2) / ((ma * ma + mb * mb + c1) * (var_a + var_b + c2));
    }
  }
  return sum;
}

cv::Mat channel_rows(const cv::Mat& picture, int channel, int begin, int end) {
  cv::Mat one, values;
  cv::extractChannel(picture.rowRange(begin, end), one, channel);
  one.convertTo(values, CV_64F);
  return values;
}

// How far the values of two pixels are apart. A whole row is converted at once: a picture may differ in all of them.
double distance(const double* left, const double* right, int channels) {
  double largest = 0;
  for (int i = 0; i < channels; ++i) {
    const double apart = std::abs(left[i] - right[i]);
    largest = std::isnan(apart) ? std::numeric_limits<double>::infinity() : std::max(largest, apart);
  }
  return largest;
}

}  // namespace

std::string shape_of(const cv::Mat& picture) {
  return fmt::format("{}x{}x{} {}", picture.rows, picture.cols, picture.channels(),
                     stream::depth_text(picture.depth()));
}

double peak_of(const cv::Mat& picture) {
  return picture.depth() == CV_8U ? 255 : picture.depth() == CV_16U ? 65535 : 1;
}

double psnr(const cv::Mat& a, const cv::Mat& b) {
  double squares = 0;
  cv::Mat left, right;
  for (int begin = 0; begin < a.rows; begin += kStripRows) {
    const cv::Range strip(begin, std::min(a.rows, begin + kStripRows));
    a.rowRange(strip).convertTo(left, CV_64F);
    b.rowRange(strip).convertTo(right, CV_64F);
    squares += cv::norm(left, right, cv::NORM_L2SQR);
  }
  if (squares == 0) return std::numeric_limits<double>::infinity();
  const double mean = squares / (static_cast<double>(a.total()) * a.channels());
  return 10 * std::log10(std::pow(peak_of(a), 2) / mean);
}

Result<double> ssim(const cv::Mat& a, const cv::Mat& b) {
  if (a.rows < kWindow || a.cols < kWindow)
    return Error{ErrorCode::invalid_argument,
                 fmt::format("ssim needs {0} rows and {0} columns at least; use psnr for {1}", kWindow, shape_of(a))};
  double sum = 0;
  for (int channel = 0; channel < a.channels(); ++channel) {
    for (int begin = 0; begin + kWindow <= a.rows; begin += kStripRows) {
      const int end = std::min(a.rows, begin + kStripRows + 2 * kMargin);
      sum += strip_sum(channel_rows(a, channel, begin, end), channel_rows(b, channel, begin, end), peak_of(a));
    }
  }
  const double places = static_cast<double>(a.rows - 2 * kMargin) * (a.cols - 2 * kMargin) * a.channels();
  return sum / places;
}

PixelDifference difference(const cv::Mat& a, const cv::Mat& b) {
  PixelDifference found;
  const std::size_t size = a.elemSize();
  const int channels = a.channels();
  cv::Mat values_a, values_b;
  for (int row = 0; row < a.rows; ++row) {
    const auto *left = a.ptr(row), *right = b.ptr(row);
    if (std::memcmp(left, right, size * static_cast<std::size_t>(a.cols)) == 0) continue;
    a.row(row).reshape(1).convertTo(values_a, CV_64F);
    b.row(row).reshape(1).convertTo(values_b, CV_64F);
    const auto *numbers_a = values_a.ptr<double>(), *numbers_b = values_b.ptr<double>();
    for (int col = 0; col < a.cols; ++col, left += size, right += size, numbers_a += channels, numbers_b += channels) {
      if (std::memcmp(left, right, size) == 0) continue;  // the same bits are the same value
      if (found.pixels++ == 0) found.row = row, found.col = col;
      found.largest = std::max(found.largest, distance(numbers_a, numbers_b, channels));
    }
  }
  return found;
}

std::string pixel_hash(const cv::Mat& picture) {
  std::string bytes = shape_of(picture) + "\n";
  const std::size_t row_bytes = picture.elemSize() * static_cast<std::size_t>(picture.cols);
  bytes.reserve(bytes.size() + row_bytes * static_cast<std::size_t>(picture.rows));
  for (int row = 0; row < picture.rows; ++row) bytes.append(reinterpret_cast<const char*>(picture.ptr(row)), row_bytes);
  return sha256_hex(bytes);
}

}  // namespace ride::test_runner
