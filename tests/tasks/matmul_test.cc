// matmul against sums in doubles, and against OpenBLAS in doubles.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <opencv2/core.hpp>
#include <opencv2/core/utility.hpp>

#include "tests/tasks/harness.h"
#include "tests/tasks/npy_text.h"
#include "worker/tasks/blas.h"
#include "worker/tasks/matrix_product.h"

namespace ride::tasks {
namespace {

using testing::HasSubstr;

// A row of doubles for each row of the channel.
cv::Mat doubles_of(const cv::Mat& image, int channel = 0) {
  cv::Mat one, wide;
  cv::extractChannel(image, one, channel);
  one.convertTo(wide, CV_64F);
  return wide;
}

cv::Mat sums_of(const cv::Mat& a, const cv::Mat& b) {
  cv::Mat sums(a.rows, b.cols, CV_64FC1, cv::Scalar(0));
  for (int y = 0; y < a.rows; ++y)
    for (int k = 0; k < a.cols; ++k)
      for (int x = 0; x < b.cols; ++x) sums.at<double>(y, x) += a.at<double>(y, k) * b.at<double>(k, x);
  return sums;
}

// The largest error relative to the sum of the terms' sizes.
double error_against(const cv::Mat& out, const cv::Mat& a, const cv::Mat& b) {
  const cv::Mat wanted = sums_of(a, b), sizes = sums_of(cv::abs(a), cv::abs(b));
  if (out.size() != wanted.size()) return 1e9;
  double most = 0;
  for (int y = 0; y < out.rows; ++y) {
    for (int x = 0; x < out.cols; ++x) {
      const double off = std::abs(out.at<double>(y, x) - wanted.at<double>(y, x));
      if (off > 0) most = std::max(most, off / sizes.at<double>(y, x));
    }
  }
  return most;
}

constexpr double kFloatError = 1e-6;  // for sums of up to 1000 terms; float's unit is 6e-8

cv::Mat signed_noise(int rows, int cols, int seed) {
  cv::Mat image(rows, cols, CV_32FC1);
  cv::RNG rng(static_cast<std::uint64_t>(seed));
  rng.fill(image, cv::RNG::UNIFORM, -1.0, 1.0);
  return image;
}

ParamValues multiplied_with(const std::string& what) { return {{"with", what}}; }
ParamValues with_file(const std::string& path) { return {{"with", std::string("file")}, {"file", path}}; }
ParamValues with_channels_each() { return {{"channels", std::string("each")}}; }

TEST(Matmul, WithTheTransposeEqualsTheSumsInDoubles) {
  for (const int type : {CV_8UC1, CV_16UC1, CV_32FC1}) {
    for (const cv::Size size : kSizes) {
      const cv::Mat in = noise(size.height, size.width, type), wide = doubles_of(in);
      const cv::Mat out = run("matmul", {}, in);
      ASSERT_EQ(out.type(), CV_32FC1);
      EXPECT_LE(error_against(doubles_of(out), wide, wide.t()), type == CV_8UC1 ? 0 : kFloatError) << type << size;
    }
  }
}

TEST(Matmul, WithItselfEqualsTheSumsInDoubles) {
  for (const int side : {1, 2, 13, 64}) {
    const cv::Mat in = noise(side, side, CV_16UC1), wide = doubles_of(in);
    EXPECT_LE(error_against(doubles_of(run("matmul", multiplied_with("itself"), in)), wide, wide), kFloatError) << side;
  }
}

TEST(Matmul, WithAMatrixFromAFileEqualsTheSumsInDoubles) {
  const TempFolder folder;
  for (const bool wide_values : {false, true}) {
    for (const cv::Size size : kSizes) {
      for (const int cols : {1, 5, 40}) {
        const cv::Mat matrix = signed_noise(size.width, cols, cols), in = noise(size.height, size.width, CV_8UC1);
        write_npy(folder / "m.npy", matrix, wide_values);
        EXPECT_LE(error_against(doubles_of(run("matmul", with_file(folder / "m.npy"), in)), doubles_of(in),
                                doubles_of(matrix)),
                  kFloatError)
            << size << cols;
      }
    }
  }
}

TEST(Matmul, MultipliesEachChannelByItself) {
  for (const int type : {CV_8UC2, CV_16UC3, CV_32FC4}) {
    const cv::Mat in = noise(11, 17, type);
    const cv::Mat out = run("matmul", with_channels_each(), in);
    ASSERT_EQ(out.type(), CV_MAKETYPE(CV_32F, in.channels()));
    for (int c = 0; c < in.channels(); ++c)
      EXPECT_LE(error_against(doubles_of(out, c), doubles_of(in, c), doubles_of(in, c).t()), kFloatError) << c;
  }
}

TEST(Matmul, OfAColorPictureTakesItsBrightness) {
  for (const int type : {CV_8UC3, CV_8UC4, CV_16UC3, CV_32FC3}) {
    const cv::Mat in = noise(11, 17, type), gray = doubles_of(run("grayscale", {}, in));
    EXPECT_LE(error_against(doubles_of(run("matmul", {}, in)), gray, gray.t()), kFloatError) << type;
  }
  EXPECT_THAT(error_of("matmul", {}, frame_of(noise(4, 4, CV_8UC2))), HasSubstr("set 'channels' to each"));
}

// Tiles of a few values: all their borders lie within small pictures.
TEST(Matmul, TheBordersOfTilesDoNotShow) {
  const OpenCvThreads several(3);
  for (const cv::Size size : {cv::Size(7, 5), cv::Size(8, 6), cv::Size(6, 4), cv::Size(30, 23), cv::Size(1, 23)}) {
    const cv::Mat in = noise(size.height, size.width, CV_8UC3), other = signed_noise(size.width, 19, 3);
    const ProductWork work{.threads = several.count(), .tiles = {.side = 5, .terms = 7}};
    cv::Mat square(in.rows, in.rows, CV_32FC3, cv::Scalar::all(77)), oblong(in.rows, 19, CV_32FC1, cv::Scalar(77));
    multiply({&in, false, 1}, {&in, false, 1}, true, square, 2, work);
    multiply({&in, false, 0}, {&other, false, 0}, false, oblong, 0, work);
    EXPECT_LE(error_against(doubles_of(square, 2), doubles_of(in, 1), doubles_of(in, 1).t()), kFloatError) << size;
    EXPECT_LE(error_against(doubles_of(oblong), doubles_of(in, 0), doubles_of(other)), kFloatError) << size;
    EXPECT_EQ(cv::countNonZero(doubles_of(square, 1) != 77), 0) << "another channel was written to";
    multiply({&in, false, 0}, {&in, false, 1}, true, square, 0, work);
    EXPECT_LE(error_against(doubles_of(square, 0), doubles_of(in, 0), doubles_of(in, 1).t()), kFloatError) << size;
  }
}

using Dgemm = void (*)(int, int, int, int, int, int, double, const double*, int, const double*, int, double, double*,
                       int);

TEST(Matmul, EqualsOpenBlasInDoublesOverSeveralTiles) {
  ASSERT_EQ(why_no_openblas(), "") << "scripts/install-deps installs it";
  const auto dgemm = reinterpret_cast<Dgemm>(dlsym(dlopen("libopenblas.so.0", RTLD_NOW), "cblas_dgemm"));
  ASSERT_NE(dgemm, nullptr);
  const cv::Mat in = noise(1100, 2500, CV_16UC1), wide = doubles_of(in);  // 2 x 2 tiles, 2 parts of each sum
  cv::Mat wanted(in.rows, in.rows, CV_64FC1), out;
  dgemm(101, 111, 112, in.rows, in.rows, in.cols, 1, wide.ptr<double>(), in.cols, wide.ptr<double>(), in.cols, 0,
        wanted.ptr<double>(), in.rows);
  run("matmul", {}, in).convertTo(out, CV_64F);
  EXPECT_LE(cv::norm(out / wanted - 1, cv::NORM_INF), 2e-6) << "no value is negative: these are the sums of sizes";
}

TEST(Matmul, WithoutOpenBlasOpenCvMultiplies) {
  for (const bool transposed : {false, true}) {
    for (const cv::Size size : kSizes) {
      const cv::Mat a = signed_noise(size.height, size.width, 1);
      const cv::Mat b = transposed ? signed_noise(9, size.width, 2) : signed_noise(size.width, 9, 2);
      cv::Mat sum = signed_noise(size.height, 9, 3), less;
      const cv::Mat before = sum.clone();
      add_product_by_opencv(a, b, transposed, sum);
      cv::subtract(sum, before, less);
      EXPECT_LE(error_against(doubles_of(less), doubles_of(a), doubles_of(transposed ? cv::Mat(b.t()) : b)), 1e-5)
          << size << ": what was there before is subtracted, which costs digits";
    }
  }
}

TEST(Matmul, NotANumberStaysInItsRowAndColumn) {
  cv::Mat in = noise(9, 12, CV_32FC1);
  in.at<float>(3, 5) = std::numeric_limits<float>::quiet_NaN();
  in.at<float>(7, 0) = std::numeric_limits<float>::infinity();
  const cv::Mat out = run("matmul", {}, in);
  for (int y = 0; y < 9; ++y) {
    for (int x = 0; x < 9; ++x) {
      const bool nan = y == 3 || x == 3, infinite = !nan && (y == 7 || x == 7);
      EXPECT_EQ(std::isnan(out.at<float>(y, x)), nan) << x << "," << y;
      EXPECT_EQ(std::isinf(out.at<float>(y, x)), infinite) << x << "," << y;
    }
  }
  const cv::Mat view = run("matmul", {{"output", std::string("view")}}, in);
  EXPECT_EQ(cv::countNonZero(view.row(3)), 0);
  EXPECT_EQ(view.at<std::uint8_t>(7, 8), 255);
}

TEST(Matmul, TheViewIsStretchedFromTheLeastToTheLargest) {
  const ParamValues view = {{"output", std::string("view")}, {"channels", std::string("each")}};
  const cv::Mat in = noise(23, 17, CV_8UC3), out = run("matmul", view, in);
  ASSERT_EQ(out.type(), CV_8UC3);
  for (int c = 0; c < 3; ++c) {
    const cv::Mat sums = sums_of(doubles_of(in, c), doubles_of(in, c).t()), bytes = doubles_of(out, c);
    double least = 0, largest = 0;
    cv::minMaxLoc(sums, &least, &largest);
    for (int y = 0; y < 23; ++y)
      for (int x = 0; x < 23; ++x)
        EXPECT_NEAR(bytes.at<double>(y, x), 255 * (sums.at<double>(y, x) - least) / (largest - least), 0.501);
  }
  EXPECT_EQ(count_of(run("matmul", view, cv::Mat(5, 4, CV_8UC1, cv::Scalar(9))), 0), 25) << "all are equal";
}

TEST(Matmul, ReportsProgressAfterEachPartOfItsSums) {
  KeepingEmitter out;
  ASSERT_TRUE(opened("matmul")->process(frame_of(noise(3, 10'000, CV_8UC1)), out));
  EXPECT_EQ(out.progress_calls, 5);
}

TEST(Matmul, RefusesShapesThatDoNotFit) {
  const TempFolder folder;
  write_npy(folder / "m.npy", signed_noise(6, 2, 1), false);
  EXPECT_THAT(error_of("matmul", multiplied_with("itself"), frame_of(noise(4, 5, CV_8UC1))),
              HasSubstr("stage 'album', frame gate/3/0: a picture of 5x4x1 8U is not square"));
  EXPECT_THAT(error_of("matmul", with_file(folder / "m.npy"), frame_of(noise(6, 5, CV_8UC1))),
              HasSubstr("a picture of 5 columns and the matrix '" + (folder / "m.npy") + "' of 6 x 2"));
  EXPECT_THAT(error_of("matmul", {}, frame_of(noise(4, 5, CV_16SC1))), HasSubstr("allowed: values of 8U, 16U, 32F"));
  EXPECT_THAT(error_of("matmul", {}, frame_of(cv::Mat())), HasSubstr("the picture is empty"));
}

TEST(Matmul, RefusesAResultThatNoFrameMayHave) {
  const Frame tall = frame_of(cv::Mat(32'768, 1, CV_8UC1, cv::Scalar(1)));
  EXPECT_THAT(error_of("matmul", {}, tall), HasSubstr("32768 x 32768 values of 32F, above the 4 GiB"));
  EXPECT_THAT(error_of("matmul", {{"output", std::string("view")}}, tall), HasSubstr("above the 4 GiB"));
  EXPECT_THAT(error_of("matmul", with_channels_each(), frame_of(cv::Mat(20'000, 1, CV_8UC3))),
              HasSubstr("32F in 3 channels"));
}

TEST(Matmul, AFileIsForAProductWithOne) {
  EXPECT_THAT(problem("matmul", multiplied_with("file")), HasSubstr("needs 'file'"));
  EXPECT_THAT(problem("matmul", {{"file", std::string("m.npy")}}), HasSubstr("set 'with' to file"));
  EXPECT_THAT(problem("matmul", multiplied_with("inverse")), HasSubstr("transpose"));
}

TEST(Matmul, AFileThatCannotBeReadIsAnErrorAtOpening) {
  const auto open = try_open("matmul", with_file("/nowhere/m.npy"));
  ASSERT_FALSE(open);
  EXPECT_THAT(open.error().message,
              HasSubstr("stage 'album': cannot read a matrix from '/nowhere/m.npy': No such file"));
}

TEST(Matmul, DoesNotSeeBeyondAViewIntoALargerPicture) {
  for (const int type : {CV_8UC1, CV_32FC1, CV_8UC3}) expect_views_are_whole_pictures("matmul", {}, type);
  expect_views_are_whole_pictures("matmul", with_channels_each(), CV_16UC3);
}

}  // namespace
}  // namespace ride::tasks
