// PSNR and SSIM against their definitions, written out in double precision; hashes against Python's hashlib.
#include "test_runner/picture_compare.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <opencv2/core.hpp>

namespace ride::test_runner {
namespace {

cv::Mat noise_of(int rows, int cols, int type, std::uint64_t seed, double high) {
  cv::Mat picture(rows, cols, type);
  cv::RNG(seed).fill(picture, cv::RNG::UNIFORM, 0, high);
  return picture;
}

double value(const cv::Mat& picture, int row, int col, int channel) {
  const int at = col * picture.channels() + channel;
  switch (picture.depth()) {
    case CV_8U:
      return picture.ptr<std::uint8_t>(row)[at];
    case CV_16U:
      return picture.ptr<std::uint16_t>(row)[at];
    default:
      return picture.ptr<float>(row)[at];
  }
}

double psnr_by_definition(const cv::Mat& a, const cv::Mat& b, double peak) {
  double squares = 0;
  for (int row = 0; row < a.rows; ++row)
    for (int col = 0; col < a.cols; ++col)
      for (int c = 0; c < a.channels(); ++c) squares += std::pow(value(a, row, col, c) - value(b, row, col, c), 2);
  return 10 * std::log10(peak * peak * a.rows * a.cols * a.channels() / squares);
}

struct Window {
  double weight[11][11];
  Window() {
    double sum = 0;
    for (int y = 0; y < 11; ++y)
      for (int x = 0; x < 11; ++x) sum += weight[y][x] = std::exp(-((y - 5) * (y - 5) + (x - 5) * (x - 5)) / 4.5);
    for (auto& row : weight)
      for (double& one : row) one /= sum;
  }
};

// Means, variances and covariance of each window as weighted sums around the means, not as differences of squares.
double ssim_at(const cv::Mat& a, const cv::Mat& b, int top, int left, int channel, double peak) {
  static const Window window;
  double mean_a = 0, mean_b = 0, var_a = 0, var_b = 0, both = 0;
  for (int y = 0; y < 11; ++y)
    for (int x = 0; x < 11; ++x) {
      mean_a += window.weight[y][x] * value(a, top + y, left + x, channel);
      mean_b += window.weight[y][x] * value(b, top + y, left + x, channel);
    }
  for (int y = 0; y < 11; ++y)
    for (int x = 0; x < 11; ++x) {
      const double da = value(a, top + y, left + x, channel) - mean_a,
                   db = value(b, top + y, left + x, channel) - mean_b;
      var_a += window.weight[y][x] * da * da;
      var_b += window.weight[y][x] * db * db;
      both += window.weight[y][x] * da * db;
    }
  const double c1 = 0.0001 * peak * peak, c2 = 0.0009 * peak * peak;
  return (2 * mean_a * mean_b + c1) * (2 * both + c2) /
         ((mean_a * mean_a + mean_b * mean_b + c1) * (var_a + var_b + c2));
}

double ssim_by_definition(const cv::Mat& a, const cv::Mat& b, double peak) {
  double sum = 0;
  for (int c = 0; c < a.channels(); ++c)
    for (int row = 0; row + 11 <= a.rows; ++row)
      for (int col = 0; col + 11 <= a.cols; ++col) sum += ssim_at(a, b, row, col, c, peak);
  return sum / ((a.rows - 10.0) * (a.cols - 10.0) * a.channels());
}

struct Kind {
  const char* name;
  int type;
  double high, peak;
};
class PictureCompare : public testing::TestWithParam<Kind> {
 protected:
  // Half of it is the same, so that the similarity is neither 0 nor 1.
  std::pair<cv::Mat, cv::Mat> two(int rows, int cols) const {
    const auto& kind = GetParam();
    cv::Mat a = noise_of(rows, cols, kind.type, 7, kind.high), b = a.clone();
    noise_of(rows, cols / 2, kind.type, 8, kind.high).copyTo(b.colRange(0, cols / 2));
    return {a, b};
  }
};

TEST_P(PictureCompare, PsnrIsItsDefinition) {
  const auto [a, b] = two(23, 31);
  EXPECT_NEAR(psnr(a, b), psnr_by_definition(a, b, GetParam().peak), 1e-9);
  EXPECT_EQ(psnr(a, a), std::numeric_limits<double>::infinity());
}

TEST_P(PictureCompare, SsimIsItsDefinitionAlsoAcrossStrips) {
  for (const auto& [rows, cols] : {std::pair{11, 11}, std::pair{23, 31}, std::pair{266, 13}, std::pair{540, 12}}) {
    const auto [a, b] = two(rows, cols);
    const double similar = ssim(a, b).value();
    EXPECT_NEAR(similar, ssim_by_definition(a, b, GetParam().peak), 1e-9) << rows << " x " << cols;
    EXPECT_LT(similar, 0.99);
    EXPECT_NEAR(ssim(a, a).value(), 1, 1e-12);
  }
}

INSTANTIATE_TEST_SUITE_P(Depths, PictureCompare,
                         testing::Values(Kind{"Gray8", CV_8UC1, 256, 255}, Kind{"Color8", CV_8UC3, 256, 255},
                                         Kind{"Gray16", CV_16UC1, 65536, 65535}, Kind{"Float", CV_32FC1, 1, 1}),
                         [](const auto& info) { return info.param.name; });

TEST(PictureSimilarity, OfEvenPicturesIsThatOfTheirBrightness) {
  const cv::Mat a(20, 20, CV_8UC1, cv::Scalar(100)), b(20, 20, CV_8UC1, cv::Scalar(120));
  const double c1 = 0.01 * 255 * 0.01 * 255;
  EXPECT_NEAR(ssim(a, b).value(), (2 * 100 * 120 + c1) / (100 * 100 + 120 * 120 + c1), 1e-9);
}

TEST(PictureSimilarity, IsNotDefinedBelowItsWindow) {
  const cv::Mat small(10, 40, CV_8UC1, cv::Scalar(1));
  const auto result = ssim(small, small);
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.error().message.find("use psnr"), std::string::npos);
}

TEST(PictureDifference, NamesHowManyTheFirstAndTheLargest) {
  cv::Mat a(5, 6, CV_8UC3, cv::Scalar(10, 20, 30)), b = a.clone();
  EXPECT_EQ(difference(a, b).pixels, 0);
  b.at<cv::Vec3b>(2, 4)[1] = 27;
  b.at<cv::Vec3b>(3, 0)[2] = 0;
  const auto apart = difference(a, b);
  EXPECT_EQ(apart.pixels, 2);
  EXPECT_EQ(apart.row, 2);
  EXPECT_EQ(apart.col, 4);
  EXPECT_EQ(apart.largest, 30);
}

TEST(PictureDifference, OfNaNIsNoneToItselfAndInfiniteToAnyOther) {
  cv::Mat a(1, 2, CV_32FC1, cv::Scalar(0.5)), b = a.clone();
  a.at<float>(0, 1) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(difference(a, a.clone()).pixels, 0);
  EXPECT_EQ(difference(a, b).pixels, 1);
  EXPECT_TRUE(std::isinf(difference(a, b).largest));
  EXPECT_FALSE(psnr(a, b) >= 1) << "no picture with a hole is near another one";
}

TEST(PixelHash, IsWhatPythonMakesOfTheSameBytes) {
  cv::Mat color(2, 3, CV_8UC3);
  for (int i = 0; i < 18; ++i) color.data[i] = static_cast<std::uint8_t>(i);
  EXPECT_EQ(pixel_hash(color), "0b616393b7e5f632aacf0b67bb9097c035ff427448ad6bd372f66fa129499115");
  const cv::Mat deep = (cv::Mat_<std::uint16_t>(2, 2) << 0, 1, 256, 65535);
  EXPECT_EQ(pixel_hash(deep), "e9de7925d9ba00c3f1254263ff2e3e8dedf5520bef43073f2285e0fb8abd0d5c");
  const cv::Mat numbers = (cv::Mat_<float>(1, 2) << 0.5F, -1.0F);
  EXPECT_EQ(pixel_hash(numbers), "f03a51bba85a8a97985d44b9038fb7ab4875590f8d2270ce6bf15e2484ee3c37");
}

TEST(PixelHash, OfAPartOfAPictureIsThatOfItsCopy) {
  const cv::Mat whole = noise_of(9, 9, CV_8UC3, 3, 256), part = whole(cv::Rect(2, 3, 4, 5));
  EXPECT_EQ(pixel_hash(part), pixel_hash(part.clone()));
  EXPECT_NE(pixel_hash(part), pixel_hash(part.clone().reshape(3, 4))) << "the same bytes in another shape";
}

}  // namespace
}  // namespace ride::test_runner
