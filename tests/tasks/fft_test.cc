// fft against the definition, summed in doubles; large pictures by Parseval's theorem.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <limits>
#include <numbers>
#include <opencv2/core.hpp>
#include <opencv2/core/utility.hpp>

#include "tests/tasks/harness.h"
#include "worker/tasks/spectrum.h"

namespace ride::tasks {
namespace {

using testing::HasSubstr;

const std::vector<cv::Size>& spectrum_sizes() {
  static const std::vector<cv::Size> kAll = {{1, 1}, {2, 1},   {1, 2},   {7, 1},  {1, 5},   {2, 2},
                                             {8, 8}, {13, 17}, {17, 12}, {30, 9}, {1, 101}, {24, 1}};
  return kAll;
}

// |F(u, v)| of the channel between zeros up to `size`.
cv::Mat direct_magnitude(const cv::Mat& image, cv::Size size, int channel = 0) {
  cv::Mat one, wide, magnitude(size, CV_64FC1);
  cv::extractChannel(image, one, channel);
  one.convertTo(wide, CV_64F);
  for (int u = 0; u < size.height; ++u) {
    for (int v = 0; v < size.width; ++v) {
      std::complex<double> sum = 0;
      for (int y = 0; y < wide.rows; ++y)
        for (int x = 0; x < wide.cols; ++x)
          sum += std::polar(wide.at<double>(y, x),
                            -2 * std::numbers::pi * (double(u) * y / size.height + double(v) * x / size.width));
      magnitude.at<double>(u, v) = std::abs(sum);
    }
  }
  return magnitude;
}

cv::Mat wide_channel(const cv::Mat& image, int channel = 0) {
  cv::Mat one, wide;
  cv::extractChannel(image, one, channel);
  one.convertTo(wide, CV_64F);
  return wide;
}

double relative_l2(const cv::Mat& out, const cv::Mat& wanted) {
  if (out.size() != wanted.size()) return 1e9;
  return cv::norm(out, wanted, cv::NORM_L2) / cv::norm(wanted, cv::NORM_L2);
}

constexpr double kSpectrumError = 1e-6;  // relative, in the L2 norm

ParamValues spectrum_params(const std::string& pad, const std::string& scale = "linear", bool centered = false,
                            const std::string& depth = "32f") {
  return {{"pad", pad}, {"scale", scale}, {"centered", centered}, {"depth", depth}};
}

ParamValues roundtrip(const std::string& pad, const std::string& channels = "each") {
  return {{"output", std::string("roundtrip")}, {"pad", pad}, {"channels", channels}};
}

cv::Size padded(cv::Size size) { return {cv::getOptimalDFTSize(size.width), cv::getOptimalDFTSize(size.height)}; }

TEST(Fft, TheMagnitudeEqualsTheDefinition) {
  for (const int type : {CV_8UC1, CV_16UC1, CV_32FC1}) {
    for (const cv::Size size : spectrum_sizes()) {
      const cv::Mat in = noise(size.height, size.width, type);
      const cv::Mat out = run("fft", spectrum_params("none"), in);
      ASSERT_EQ(out.type(), CV_32FC1);
      EXPECT_LE(relative_l2(wide_channel(out), direct_magnitude(in, size)), kSpectrumError) << type << size;
    }
  }
}

TEST(Fft, PaddingGivesTheSpectrumOfThePictureBetweenZeros) {
  for (const cv::Size size : spectrum_sizes()) {
    const cv::Mat in = noise(size.height, size.width, CV_8UC1);
    const cv::Mat out = run("fft", spectrum_params("optimal"), in);
    EXPECT_LE(relative_l2(wide_channel(out), direct_magnitude(in, padded(size))), kSpectrumError) << size;
  }
}

// Strips of one line and of a few, on several threads, instead of one strip that holds all.
TEST(Fft, TheBordersOfStripsDoNotShow) {
  const OpenCvThreads several(3);
  for (const cv::Size size : spectrum_sizes()) {
    const cv::Mat in = noise(size.height, size.width, CV_8UC1), wanted = direct_magnitude(in, padded(size));
    for (const int values : {1, 40, 101}) {
      int progress = 0;
      Spectrum spectrum(padded(size), {several.count(), values, [&] { ++progress; }});
      spectrum.forward({&in, false, 0});
      spectrum.to_magnitudes(false);
      EXPECT_GE(progress, size.height > 1 ? 3 : 2) << "after rows, columns and magnitudes";
      cv::Mat out(padded(size), CV_32FC1);
      for (int y = 0; y < out.rows; ++y) {
        cv::Mat row = out.row(y);
        spectrum.magnitude_rows(y, false, row);
      }
      EXPECT_LE(relative_l2(wide_channel(out), wanted), kSpectrumError) << size << values;
      Spectrum again(padded(size), {several.count(), values, [] {}});
      again.forward({&in, false, 0});
      cv::Mat back(padded(size), CV_32FC1, cv::Scalar(77));
      again.inverse([&](int first, const cv::Mat& rows) { rows.copyTo(back.rowRange(first, first + rows.rows)); });
      cv::Mat in_zeros(padded(size), CV_32FC1, cv::Scalar(0));
      in.convertTo(in_zeros(cv::Rect({}, size)), CV_32F);
      EXPECT_LE(cv::norm(back, in_zeros, cv::NORM_INF), 1e-3) << size << values;
    }
  }
}

TEST(Fft, CenteredPutsTheZeroFrequencyInTheMiddle) {
  for (const cv::Size size : spectrum_sizes()) {
    const cv::Mat in = noise(size.height, size.width, CV_8UC1);
    const cv::Mat corner = run("fft", spectrum_params("none"), in);
    const cv::Mat middle = run("fft", spectrum_params("none", "linear", true), in);
    for (int u = 0; u < size.height; ++u)
      for (int v = 0; v < size.width; ++v)
        EXPECT_EQ(middle.at<float>((u + size.height / 2) % size.height, (v + size.width / 2) % size.width),
                  corner.at<float>(u, v))
            << size << u << "," << v;
  }
}

TEST(Fft, TheLogarithmAndItsViewEqualTheDefinition) {
  for (const char* scale : {"log", "linear"}) {
    for (const cv::Size size : spectrum_sizes()) {
      const cv::Mat in = noise(size.height, size.width, CV_16UC1);
      cv::Mat wanted = direct_magnitude(in, size);
      if (std::string(scale) == "log") cv::log(wanted + 1, wanted);
      EXPECT_LE(relative_l2(wide_channel(run("fft", spectrum_params("none", scale), in)), wanted), kSpectrumError);
      double least = 0, largest = 0;
      cv::minMaxLoc(wanted, &least, &largest);
      if (largest - least < 1e-3 * largest) continue;  // one value only
      const cv::Mat view = run("fft", spectrum_params("none", scale, false, "8u"), in);
      ASSERT_EQ(view.type(), CV_8UC1);
      const cv::Mat stretched = (wanted - least) * (255 / (largest - least));
      EXPECT_LE(cv::norm(wide_channel(view), stretched, cv::NORM_INF), 0.501) << size << scale;
    }
  }
}

// sum |F|^2 = pixels * sum f^2.
TEST(Fft, KeepsTheEnergyOfALargePicture) {
  const cv::Mat in = noise(2000, 3000, CV_8UC1);
  const cv::Mat spectrum = wide_channel(run("fft", spectrum_params("none"), in));
  const double energy = cv::norm(wide_channel(in), cv::NORM_L2SQR) * 2000 * 3000;
  EXPECT_NEAR(cv::norm(spectrum, cv::NORM_L2SQR) / energy, 1, 1e-6);
  EXPECT_NEAR(spectrum.at<double>(0, 0) / cv::sum(in)[0], 1, 1e-6);
}

TEST(Fft, AWaveIsTwoPointsAtItsFrequency) {
  const cv::Mat wave = picture_of({60, 40}, CV_8UC1, [](int y, int x, int) {
    return 100 + 50 * std::cos(2 * std::numbers::pi * (3.0 * x / 60 + 7.0 * y / 40));
  });
  const cv::Mat out = run("fft", spectrum_params("none", "linear", true), wave);
  for (const auto& [y, x, height] : {std::tuple{20, 30, 100.0}, {27, 33, 25.0}, {13, 27, 25.0}})
    EXPECT_NEAR(out.at<float>(y, x) / (60 * 40), height, 0.1) << x << "," << y;
  cv::Mat rest = out.clone();
  for (const auto& [y, x] : {std::pair{20, 30}, {27, 33}, {13, 27}}) rest.at<float>(y, x) = 0;
  EXPECT_LE(cv::norm(rest, cv::NORM_INF) / (60 * 40), 0.5) << "the wave's values are rounded";
}

TEST(Fft, TheRoundTripGivesThePictureBack) {
  for (const char* pad : {"none", "optimal"}) {
    for (const int channels : {1, 2, 3, 4}) {
      for (const cv::Size size : spectrum_sizes()) {
        const cv::Mat bytes = noise(size.height, size.width, CV_8UC(channels));
        EXPECT_EQ(largest_difference(run("fft", roundtrip(pad), bytes), bytes), 0) << pad << size;
        const cv::Mat deep = noise(size.height, size.width, CV_16UC(channels));
        EXPECT_LE(largest_difference(run("fft", roundtrip(pad), deep), deep), 1) << pad << size;
        const cv::Mat real = noise(size.height, size.width, CV_32FC(channels));
        EXPECT_LE(largest_difference(run("fft", roundtrip(pad), real), real), 2e-6) << pad << size;
      }
    }
  }
}

TEST(Fft, TheRoundTripOfALargePictureIsExact) {
  for (const cv::Size size : {cv::Size(2000, 1500), cv::Size(1999, 1201)}) {
    const cv::Mat in = noise(size.height, size.width, CV_8UC1);
    EXPECT_EQ(largest_difference(run("fft", roundtrip("optimal"), in), in), 0) << size;
  }
}

TEST(Fft, TransformsEachChannelByItselfOrTheBrightness) {
  const cv::Mat in = noise(9, 14, CV_8UC3);
  ParamValues each = spectrum_params("none");
  each["channels"] = std::string("each");
  const cv::Mat out = run("fft", each, in);
  ASSERT_EQ(out.type(), CV_32FC3);
  for (int c = 0; c < 3; ++c)
    EXPECT_LE(relative_l2(wide_channel(out, c), direct_magnitude(in, in.size(), c)), kSpectrumError);
  const cv::Mat gray = run("grayscale", {}, in);
  EXPECT_EQ(largest_difference(run("fft", roundtrip("optimal", "gray"), in), gray), 0);
  EXPECT_LE(relative_l2(wide_channel(run("fft", spectrum_params("none"), in)), direct_magnitude(gray, in.size())),
            kSpectrumError);
  EXPECT_THAT(error_of("fft", {}, frame_of(noise(4, 4, CV_8UC2))), HasSubstr("set 'channels' to each"));
}

TEST(Fft, NotANumberSpoilsItsChannelAlone) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    cv::Mat in = noise(6, 10, CV_32FC2);
    const cv::Mat second = wide_channel(in, 1);
    in.at<cv::Vec2f>(2, 3)[0] = bad;
    ParamValues each = spectrum_params("none");
    each["channels"] = std::string("each");
    for (const auto& params : {each, roundtrip("none")}) {
      const cv::Mat out = run("fft", params, in), first = wide_channel(out, 0);
      for (int i = 0; i < 60; ++i) EXPECT_FALSE(std::isfinite(first.at<double>(i / 10, i % 10))) << i;
      EXPECT_TRUE(cv::checkRange(wide_channel(out, 1)));
    }
    each["depth"] = std::string("8u");
    const cv::Mat view = run("fft", each, in);
    EXPECT_EQ(cv::countNonZero(wide_channel(view, 0)), 0);
    EXPECT_GT(cv::countNonZero(wide_channel(view, 1)), 0);
  }
}

TEST(Fft, RefusesWhatTakesTooMuchTimeOrMemory) {
  EXPECT_THAT(
      error_of("fft", spectrum_params("none"), frame_of(noise(3, 2 * 1009, CV_8UC1))),
      HasSubstr("stage 'album', frame gate/3/0: a picture of 2018x3x1 8U has a side with the prime factor 1009"));
  EXPECT_EQ(run("fft", {}, noise(3, 2 * 1009, CV_8UC1)).size(), cv::Size(2025, 3));
  EXPECT_THAT(error_of("fft", {}, frame_of(cv::Mat(1, (1 << 20) + 1, CV_8UC1))), HasSubstr("a side above 1048576"));
  // Refused by its size: nobody looks at the pixels that are not there.
  std::uint8_t one = 0;
  Frame large = frame_of(cv::Mat());
  large.image = cv::Mat(1 << 20, 1025, CV_8UC1, &one);
  EXPECT_THAT(error_of("fft", {}, large), HasSubstr("a spectrum of 1080 x 1048576 values, above 2^30"));
  large.image = cv::Mat(1 << 16, 1 << 13, CV_8UC3, &one);
  ParamValues each = spectrum_params("none");
  each["channels"] = std::string("each");
  EXPECT_THAT(error_of("fft", each, large), HasSubstr("32F in 3 channels, above the 4 GiB"));
  EXPECT_THAT(error_of("fft", {}, frame_of(noise(4, 5, CV_8SC1))), HasSubstr("allowed: values of 8U, 16U, 32F"));
  EXPECT_THAT(error_of("fft", {}, frame_of(cv::Mat())), HasSubstr("the picture is empty"));
}

TEST(Fft, FindsTheLargestPrimeFactor) {
  for (const auto& [n, wanted] : {std::pair{1, 1},
                                  {2, 2},
                                  {25'720, 643},
                                  {24'160, 151},
                                  {1009 * 2, 1009},
                                  {49, 7},
                                  {1'048'573, 1'048'573},
                                  {1 << 20, 2}})
    EXPECT_EQ(largest_prime_factor(n), wanted) << n;
}

TEST(Fft, DoesNotSeeBeyondAViewIntoALargerPicture) {
  for (const int type : {CV_8UC1, CV_32FC1, CV_8UC3}) {
    expect_views_are_whole_pictures("fft", {}, type);
    expect_views_are_whole_pictures("fft", roundtrip("none"), type);
  }
}

}  // namespace
}  // namespace ride::tasks
