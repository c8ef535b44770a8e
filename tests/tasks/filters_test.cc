#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <ctime>
#include <opencv2/imgproc.hpp>

#include "tests/tasks/harness.h"
#include "worker/tasks/gaussian_filter.h"

namespace ride::tasks {
namespace {

TEST(Identity, PassesTheFrameOnAsItCame) {
  KeepingEmitter out;
  const Frame frame = with_bytes(frame_of(noise(4, 5, CV_8UC3)), {1, 2, 3}, "image/jpeg");
  ASSERT_TRUE(opened("identity")->process(frame, out));
  EXPECT_EQ(out.only().image.data, frame.image.data);
  EXPECT_EQ(out.only().encoded->bytes.data(), frame.encoded->bytes.data());
  EXPECT_EQ(out.only().attributes, frame.attributes);
}

TEST(Discard, EmitsNothing) {
  KeepingEmitter out;
  ASSERT_TRUE(opened("discard")->process(frame_of(noise(4, 5, CV_8UC3)), out));
  EXPECT_TRUE(out.frames.empty());
}

TEST(Delay, TakesTheStatedTimeAndSaysThatItIsAlive) {
  for (const bool busy : {false, true}) {
    auto task = opened("delay", {{"ms", 60.0}, {"busy", busy}});
    KeepingEmitter out;
    const std::clock_t cpu = std::clock();
    const auto start = std::chrono::steady_clock::now();
    ASSERT_TRUE(task->process(frame_of(noise(4, 5, CV_8UC1)), out));
    EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(60));
    EXPECT_EQ(std::clock() - cpu > CLOCKS_PER_SEC * 4 / 1000, busy) << "a busy machine gives it a part of the time";
    EXPECT_GE(out.progress_calls, 1);
    EXPECT_EQ(out.only().image.cols, 5);
  }
}

TEST(Delay, MayHangWithOneFrameWithoutASign) {
  auto task = opened("delay", {{"ms", 50.0}, {"progress", false}, {"frame", std::int64_t{7}}});
  for (const std::int64_t number : {6, 7}) {
    KeepingEmitter out;
    auto frame = frame_of(noise(4, 5, CV_8UC1));
    frame.id.number = number;
    const auto start = std::chrono::steady_clock::now();
    ASSERT_TRUE(task->process(frame, out));
    if (number == 7) {
      EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(50));
    }
    EXPECT_EQ(out.progress_calls, 0);
    EXPECT_EQ(out.only().image.cols, 5);
  }
}

TEST(Grayscale, WeighsTheChannels) {
  cv::Mat blue_green_red(1, 3, CV_8UC3, cv::Scalar::all(0));
  for (int i = 0; i < 3; ++i) blue_green_red.at<cv::Vec3b>(0, i)[i] = 200;
  const cv::Mat gray = run("grayscale", {}, blue_green_red);
  EXPECT_EQ(gray.type(), CV_8UC1);
  EXPECT_NEAR(gray.at<std::uint8_t>(0, 0), 0.114 * 200, 1);
  EXPECT_NEAR(gray.at<std::uint8_t>(0, 1), 0.587 * 200, 1);
  EXPECT_NEAR(gray.at<std::uint8_t>(0, 2), 0.299 * 200, 1);
}

TEST(Grayscale, KeepsTheDepthAndPassesOneChannelOn) {
  for (const int depth : {CV_8U, CV_16U, CV_32F}) {
    for (const cv::Size size : kSizes) {
      const cv::Mat one = noise(size.height, size.width, CV_MAKETYPE(depth, 1));
      EXPECT_EQ(largest_difference(run("grayscale", {}, one), one), 0);
      const cv::Mat four = noise(size.height, size.width, CV_MAKETYPE(depth, 4));
      cv::Mat wanted;
      cv::cvtColor(four, wanted, cv::COLOR_BGRA2GRAY);
      EXPECT_EQ(largest_difference(run("grayscale", {}, four), wanted), 0);
    }
  }
}

// Straight from the definition, in doubles.
cv::Mat blurred(const cv::Mat& in, int ksize, double sigma) {
  if (sigma <= 0) sigma = 0.3 * ((ksize - 1) * 0.5 - 1) + 0.8;
  std::vector<double> weight(ksize);
  double total = 0;
  for (int i = 0; i < ksize; ++i) {
    const double d = i - ksize / 2;
    total += weight[i] = std::exp(-d * d / (2 * sigma * sigma));
  }
  cv::Mat wide, out = cv::Mat::zeros(in.size(), CV_MAKETYPE(CV_64F, in.channels()));
  in.convertTo(wide, CV_64F);
  const int channels = in.channels(), radius = ksize / 2;
  const auto mirror = [](int p, int length) { return cv::borderInterpolate(p, length, cv::BORDER_REFLECT_101); };
  for (int y = 0; y < in.rows; ++y) {
    for (int x = 0; x < in.cols; ++x) {
      for (int c = 0; c < channels; ++c) {
        double sum = 0;
        for (int j = -radius; j <= radius; ++j) {
          const double* row = wide.ptr<double>(mirror(y + j, in.rows));
          for (int i = -radius; i <= radius; ++i) {
            sum += weight[j + radius] * weight[i + radius] * row[mirror(x + i, in.cols) * channels + c];
          }
        }
        out.ptr<double>(y)[x * channels + c] = sum / (total * total);
      }
    }
  }
  cv::Mat result;
  out.convertTo(result, in.depth());
  return result;
}

TEST(GaussianBlur, EqualsItsDefinitionWithinOneGreyLevel) {
  for (const int type : {CV_8UC1, CV_8UC3, CV_16UC1, CV_32FC1}) {
    const double tolerance = type == CV_32FC1 ? 1e-5 : type == CV_16UC1 ? 2 : 1;
    for (const cv::Size size : kSizes) {
      const cv::Mat in = noise(size.height, size.width, type);
      for (const int ksize : {1, 3, 5, 7, 61}) {
        const cv::Mat out = run("gaussian_blur", {{"ksize", std::int64_t{ksize}}}, in);
        EXPECT_LE(largest_difference(out, blurred(in, ksize, 0)), tolerance) << type << " " << size << " " << ksize;
      }
      const ParamValues params = {{"ksize", std::int64_t{9}}, {"sigma", 1.5}};
      EXPECT_LE(largest_difference(run("gaussian_blur", params, in), blurred(in, 9, 1.5)), tolerance) << type << size;
    }
  }
}

// What makes the errors of all weights across add up in the middle: white where rounding made a weight too large.
cv::Mat worst_picture(int side, int ksize, double sigma) {
  const GaussianWeights coarse = gaussian_weights(ksize, sigma, ksize <= 9 ? 15 : 16);
  const int radius = ksize / 2;
  std::vector<double> exact;
  double total = 0;
  for (int d = -radius; d <= radius; ++d) total += exact.emplace_back(std::exp(-d * d / (2 * sigma * sigma)));
  return picture_of({side, side}, CV_8UC1, [&](int, int x, int) {
    const int d = std::abs(x - side / 2);
    return d <= radius && coarse.weights[d] > exact[d + radius] / total * (1 << coarse.shift) ? 255 : 0;
  });
}

TEST(GaussianBlur, OfBytesIsWithinOneForEachWindowAndSigma) {
  const cv::Mat random = noise(64, 97, CV_8UC1, 5), black_and_white = (noise(64, 97, CV_8UC1, 6) > 127);
  for (int ksize = 3; ksize <= 61; ksize += ksize < 9 ? 2 : 26) {
    for (const double sigma : {0.0, 0.3, 1.0, 3.7, 9.5, 40.0, 1000.0}) {
      const ParamValues params = {{"ksize", std::int64_t{ksize}}, {"sigma", sigma}};
      const double stated = gaussian_sigma(ksize, sigma);
      for (const cv::Mat& in : {random, black_and_white, worst_picture(64, ksize, stated)}) {
        const cv::Mat out = run("gaussian_blur", params, in), wanted = blurred(in, ksize, sigma);
        EXPECT_LE(largest_difference(out, wanted), 1) << ksize << " " << sigma;
        cv::Mat apart;
        cv::absdiff(out, wanted, apart);
        EXPECT_LE(cv::countNonZero(apart), in.rows * in.cols / 10) << "nearly all are equal to it";
      }
    }
  }
  const cv::Mat large = run("gaussian_blur", {{"ksize", std::int64_t{201}}, {"sigma", 1000.0}}, random);
  EXPECT_LE(largest_difference(large, blurred(random, 201, 1000)), 1);
}

TEST(GaussianBlur, LeavesEvenAreasAndTheSumOfItsWeightsIsOne) {
  for (const int value : {0, 1, 127, 128, 254, 255}) {
    const cv::Mat even(9, 40, CV_8UC3, cv::Scalar::all(value));
    for (const std::int64_t ksize : {3, 61, 201})
      EXPECT_EQ(largest_difference(run("gaussian_blur", {{"ksize", ksize}}, even), even), 0) << value;
  }
  for (const double sigma : {1e-200, 0.1, 0.8, 33.0, 1000.0}) {
    for (const int ksize : {1, 3, 9, 201}) {
      const GaussianWeights found = gaussian_weights(ksize, sigma, 16);
      int sum = -found.weights[0];
      for (const int weight : found.weights) {
        EXPECT_GE(weight, 0) << ksize << " " << sigma;
        sum += 2 * weight;
      }
      EXPECT_EQ(sum, 1 << found.shift) << ksize << " " << sigma;
    }
  }
}

// Vectors of 32 values, chunks of 512 and blocks of rows: what their edges do is seen in the definition only.
TEST(GaussianBlur, GivesTheSameWhereItsVectorsChunksAndBlocksMeet) {
  for (const cv::Size size : {cv::Size(31, 5), cv::Size(32, 5), cv::Size(33, 3), cv::Size(511, 2), cv::Size(513, 3),
                              cv::Size(545, 41), cv::Size(3, 70)}) {
    for (const int type : {CV_8UC1, CV_8UC2, CV_8UC3, CV_8UC4}) {
      const cv::Mat in = noise(size.height, size.width, type);
      for (const int ksize : {3, 5, 7, 9, 11}) {
        const cv::Mat out = run("gaussian_blur", {{"ksize", std::int64_t{ksize}}}, in);
        EXPECT_LE(largest_difference(out, blurred(in, ksize, 0)), 1) << size << type << " " << ksize;
      }
    }
  }
}

// Rows of fewer values than a vector holds are computed without vector instructions.
TEST(GaussianBlur, GivesTheSameBitsWithAndWithoutVectorInstructions) {
  const cv::Mat in = noise(40, 100, CV_8UC1, 4);
  for (const int ksize : {1, 3, 5, 7, 9, 11, 15}) {
    for (const double sigma : {0.0, 0.4, 2.0, 1000.0}) {
      const ParamValues params = {{"ksize", std::int64_t{ksize}}, {"sigma", sigma}};
      const cv::Mat wide = run("gaussian_blur", params, in);
      const int radius = ksize / 2;
      for (const int first : {0, 40, 69}) {
        const cv::Mat narrow = run("gaussian_blur", params, in.colRange(first, first + 31).clone());
        const cv::Range inner(radius, 31 - radius);
        EXPECT_EQ(largest_difference(narrow.colRange(inner), wide.colRange(first, first + 31).colRange(inner)), 0)
            << ksize << " " << sigma;
      }
    }
  }
}

// OpenCV has tables of its own for these where sigma is 0, up to this far from the formula that the task states.
TEST(GaussianBlur, DerivesSigmaByTheFormulaForSmallWindowsToo) {
  const cv::Mat in = (noise(64, 97, CV_8UC1, 6) > 127);
  for (const int ksize : {3, 5, 7}) {
    const cv::Mat out = run("gaussian_blur", {{"ksize", std::int64_t{ksize}}}, in);
    EXPECT_LE(largest_difference(out, blurred(in, ksize, 0)), 1) << ksize;
    cv::Mat by_table;
    cv::GaussianBlur(in, by_table, cv::Size(ksize, ksize), 0, 0, cv::BORDER_REFLECT_101);
    EXPECT_GT(largest_difference(by_table, blurred(in, ksize, 0)), 1) << ksize;
  }
}

TEST(GaussianBlur, GivesTheSameWithAnyNumberOfThreads) {
  const cv::Mat in = noise(300, 40, CV_8UC3);
  const OpenCvThreads threads(4);
  TaskEnv env = env_for("gaussian_blur", {{"ksize", std::int64_t{21}}});
  env.threads = threads.count();
  auto task = builtin_tasks().find("gaussian_blur")->make();
  ASSERT_TRUE(task->open(env));
  KeepingEmitter out;
  ASSERT_TRUE(task->process(frame_of(in), out));
  EXPECT_EQ(largest_difference(out.only().image, run("gaussian_blur", {{"ksize", std::int64_t{21}}}, in)), 0);
}

TEST(GaussianBlur, DoesNotSeeBeyondAViewIntoALargerPicture) {
  const cv::Mat large = noise(40, 40, CV_8UC1);
  const cv::Mat view = large(cv::Rect(10, 10, 20, 20));
  Frame frame = frame_of(cv::Mat());
  frame.image = view;
  KeepingEmitter out;
  ASSERT_TRUE(opened("gaussian_blur", {{"ksize", std::int64_t{9}}})->process(frame, out));
  EXPECT_EQ(largest_difference(out.only().image, run("gaussian_blur", {{"ksize", std::int64_t{9}}}, view.clone())), 0);
}

TEST(Canny, MarksTheEdgesThatOpenCvMarks) {
  const cv::Mat in = noise(48, 64, CV_8UC3);
  for (const std::int64_t aperture : {3, 5, 7}) {
    for (const bool l2 : {false, true}) {
      cv::Mat wanted;
      cv::Canny(in, wanted, 100, 300, static_cast<int>(aperture), l2);
      const cv::Mat out =
          run("canny", {{"low", 100.0}, {"high", 300.0}, {"aperture", aperture}, {"l2gradient", l2}}, in);
      EXPECT_EQ(out.type(), CV_8UC1);
      EXPECT_EQ(largest_difference(out, wanted), 0) << aperture << l2;
    }
  }
}

TEST(Canny, FindsOneStepAndStandsSmallPictures) {
  cv::Mat step(20, 20, CV_8UC1, cv::Scalar(0));
  step.colRange(10, 20) = 200;
  const cv::Mat edges = run("canny", {}, step);
  EXPECT_EQ(count_of(edges, 255), 20);
  for (const cv::Size size : kSizes) EXPECT_EQ(run("canny", {}, noise(size.height, size.width, CV_8UC1)).size(), size);
}

cv::Size resized(const ParamValues& params, cv::Size from) {
  return run("resize", params, noise(from.height, from.width, CV_8UC1)).size();
}

TEST(Resize, FindsTheWantedSize) {
  const std::int64_t w = 100, h = 50;
  EXPECT_EQ(resized({{"scale", 0.5}}, {101, 50}), cv::Size(51, 25));
  EXPECT_EQ(resized({{"width", w}}, {200, 60}), cv::Size(100, 30));
  EXPECT_EQ(resized({{"height", h}}, {200, 100}), cv::Size(100, 50));
  EXPECT_EQ(resized({{"width", w}, {"height", h}}, {400, 100}), cv::Size(100, 25));
  EXPECT_EQ(resized({{"width", w}, {"height", h}}, {10, 10}), cv::Size(50, 50));
  EXPECT_EQ(resized({{"width", w}, {"height", h}, {"keep_aspect", false}}, {400, 100}), cv::Size(100, 50));
  EXPECT_EQ(resized({{"scale", 0.1}}, {1, 1}), cv::Size(1, 1));
  EXPECT_EQ(resized({{"width", w}}, {1000, 1}), cv::Size(100, 1));
}

TEST(Resize, EqualsOpenCvInEachInterpolationAndDepth) {
  const std::pair<const char*, int> methods[] = {{"nearest", cv::INTER_NEAREST},
                                                 {"linear", cv::INTER_LINEAR},
                                                 {"area", cv::INTER_AREA},
                                                 {"cubic", cv::INTER_CUBIC}};
  for (const int type : {CV_8UC1, CV_8UC3, CV_16UC1, CV_32FC3}) {
    for (const auto& [name, flag] : methods) {
      const cv::Mat in = noise(37, 53, type);
      cv::Mat wanted;
      cv::resize(in, wanted, cv::Size(20, 14), 0, 0, flag);
      const cv::Mat out = run("resize", {{"width", std::int64_t{20}}, {"interpolation", std::string(name)}}, in);
      EXPECT_EQ(largest_difference(out, wanted), 0) << name << type;
    }
  }
}

TEST(Resize, PassesAPictureOfTheWantedSizeOn) {
  EXPECT_EQ(resized({{"width", std::int64_t{20}}}, {20, 10}), cv::Size(20, 10));  // run() checks that its bytes stay
}

TEST(Filters, RefuseWhatTheyCannotDoWithPlaceCauseAndFix) {
  const ParamValues scale = {{"scale", 0.5}};
  for (const char* task : {"grayscale", "gaussian_blur", "stddev_filter", "canny", "resize", "detect_people"}) {
    const ParamValues params = std::string(task) == "resize" ? scale : ParamValues{};
    const std::string error = error_of(task, params, frame_of(cv::Mat(4, 4, CV_32SC1, cv::Scalar(1)), 7));
    EXPECT_NE(error.find("stage 'album', frame gate/3/7: a picture of 4x4x1 32S is not supported"), std::string::npos)
        << error;
    EXPECT_NE(error.find("allowed: "), std::string::npos) << error;
    EXPECT_NE(error_of(task, params, frame_of(cv::Mat())).find("empty"), std::string::npos);
  }
  EXPECT_NE(error_of("canny", {}, frame_of(noise(4, 4, CV_16UC1))).find("allowed: values of 8U"), std::string::npos);
  EXPECT_NE(error_of("grayscale", {}, frame_of(noise(4, 4, CV_8UC2))).find("1, 3, 4 channels"), std::string::npos);
}

}  // namespace
}  // namespace ride::tasks
