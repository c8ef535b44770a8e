// sobel, laplacian, threshold and morphology against their definitions.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>

#include "tests/tasks/harness.h"

namespace ride::tasks {
namespace {

using Weights = std::vector<double>;

// The window `down` x `across` at a pixel.
double correlation(const cv::Mat& in, const Weights& down, const Weights& across, int y, int x, int c) {
  const int radius = static_cast<int>(down.size()) / 2;
  double sum = 0;
  for (int j = -radius; j <= radius; ++j)
    for (int i = -radius; i <= radius; ++i)
      sum += down[j + radius] * across[i + radius] * value_at(in, y + j, x + i, c);
  return sum;
}

struct Kind {
  const char* name;
  std::int64_t aperture;
  Weights smooth, derivative;
};
const std::vector<Kind>& kinds() {
  static const std::vector<Kind> kKinds = {{"sobel", 3, {1, 2, 1}, {-1, 0, 1}},
                                           {"sobel", 5, {1, 4, 6, 4, 1}, {-1, -2, 0, 2, 1}},
                                           {"scharr", 3, {3, 10, 3}, {-1, 0, 1}}};
  return kKinds;
}

ParamValues params_of(const Kind& kind, double scale) {
  return {{"kind", std::string(kind.name)}, {"aperture", kind.aperture}, {"scale", scale}};
}

TEST(Sobel, EqualsTheLengthOfTheGradient) {
  for (const Kind& kind : kinds()) {
    for (const double scale : {1.0, 0.25, 0.01}) {
      for (const cv::Size size : kSizes) {
        const cv::Mat in = noise(size.height, size.width, CV_8UC3);
        const cv::Mat wanted = picture_of(size, in.type(), [&](int y, int x, int c) {
          return scale * std::hypot(correlation(in, kind.smooth, kind.derivative, y, x, c),
                                    correlation(in, kind.derivative, kind.smooth, y, x, c));
        });
        EXPECT_LE(largest_difference(run("sobel", params_of(kind, scale), in), wanted), scale == 1 ? 0 : 1)
            << kind.name << kind.aperture << size << scale;
      }
    }
  }
}

TEST(Sobel, AStepOfOneHasTheStatedLength) {
  const cv::Mat step = picture_of({20, 8}, CV_8UC1, [](int, int x, int) { return x < 10 ? 7 : 8; });
  const double lengths[] = {4, 48, 16};
  for (int i = 0; i < 3; ++i) {
    const cv::Mat out = run("sobel", params_of(kinds()[i], 1), step);
    double most = 0;
    for (int x = 0; x < 20; ++x) most = std::max(most, value_at(out, 4, x, 0));
    EXPECT_EQ(most, lengths[i]) << kinds()[i].name;
  }
}

TEST(Sobel, RefusesWindowsThatTheKindHasNot) {
  EXPECT_NE(problem("sobel", {{"aperture", std::int64_t{4}}}).find("3 or 5"), std::string::npos);
  const ParamValues scharr = {{"kind", std::string("scharr")}, {"aperture", std::int64_t{5}}};
  EXPECT_NE(problem("sobel", scharr).find("set 'aperture' to 3"), std::string::npos);
}

TEST(Laplacian, EqualsTheAbsoluteSumOfTheWindow) {
  const double plus[3][3] = {{0, 1, 0}, {1, -4, 1}, {0, 1, 0}}, corners[3][3] = {{2, 0, 2}, {0, -8, 0}, {2, 0, 2}};
  for (const std::int64_t aperture : {1, 3}) {
    const auto& weights = aperture == 1 ? plus : corners;
    for (const double scale : {1.0, 0.3}) {
      for (const cv::Size size : kSizes) {
        const cv::Mat in = noise(size.height, size.width, CV_8UC3);
        const cv::Mat wanted = picture_of(size, in.type(), [&](int y, int x, int c) {
          double sum = 0;
          for (int j = -1; j <= 1; ++j)
            for (int i = -1; i <= 1; ++i) sum += weights[j + 1][i + 1] * value_at(in, y + j, x + i, c);
          return scale * std::abs(sum);
        });
        EXPECT_EQ(largest_difference(run("laplacian", {{"aperture", aperture}, {"scale", scale}}, in), wanted), 0)
            << aperture << size << scale;
      }
    }
  }
  EXPECT_NE(problem("laplacian", {{"aperture", std::int64_t{2}}}).find("1 or 3"), std::string::npos);
}

ParamValues method(const std::string& name) { return {{"method", name}}; }

TEST(Threshold, FixedIsWhiteAboveTheValue) {
  for (const double value : {0.0, 100.0, 100.5, 255.0}) {
    for (const bool invert : {false, true}) {
      const cv::Mat in = noise(13, 17, CV_8UC1);
      const cv::Mat wanted = picture_of(
          in.size(), CV_8UC1, [&](int y, int x, int) { return (value_at(in, y, x, 0) > value) != invert ? 255 : 0; });
      EXPECT_EQ(largest_difference(run("threshold", {{"value", value}, {"invert", invert}}, in), wanted), 0) << value;
    }
  }
}

TEST(Threshold, OfAColorPictureTakesItsBrightness) {
  for (const int type : {CV_8UC3, CV_8UC4}) {
    const cv::Mat in = noise(13, 17, type);
    const cv::Mat out = run("threshold", {{"value", 120.0}}, in);
    ASSERT_EQ(out.type(), CV_8UC1);
    for (int y = 0; y < in.rows; ++y) {
      for (int x = 0; x < in.cols; ++x) {
        const double gray =
            0.114 * value_at(in, y, x, 0) + 0.587 * value_at(in, y, x, 1) + 0.299 * value_at(in, y, x, 2);
        if (std::abs(gray - 120.5) < 0.1) continue;
        EXPECT_EQ(value_at(out, y, x, 0), gray > 120.5 ? 255 : 0) << gray;
      }
    }
  }
}

// The variance between the classes, of two lists of pixels rather than of a histogram.
double variance_between(const cv::Mat& in, double threshold) {
  double count[2] = {}, sum[2] = {};
  for (int y = 0; y < in.rows; ++y) {
    for (int x = 0; x < in.cols; ++x) {
      const double value = value_at(in, y, x, 0);
      ++count[value > threshold], sum[value > threshold] += value;
    }
  }
  if (count[0] == 0 || count[1] == 0) return 0;
  return count[0] * count[1] * std::pow(sum[0] / count[0] - sum[1] / count[1], 2);
}

TEST(Threshold, OtsuSeparatesBestOfAllThresholds) {
  for (int seed = 1; seed <= 5; ++seed) {
    const cv::Mat random = noise(15, 20, CV_8UC1, seed);
    const cv::Mat in = picture_of(random.size(), CV_8UC1, [&](int y, int x, int) {
      return (x < 4 + seed ? 30 : 150) + value_at(random, y, x, 0) / 4;
    });
    double best = 0;
    for (int t = 0; t < 255; ++t)
      if (variance_between(in, t) > variance_between(in, best)) best = t;
    const cv::Mat wanted =
        picture_of(in.size(), CV_8UC1, [&](int y, int x, int) { return value_at(in, y, x, 0) > best ? 255 : 0; });
    EXPECT_EQ(largest_difference(run("threshold", method("otsu"), in), wanted), 0) << seed << " " << best;
  }
}

TEST(Threshold, OtsuOfOneValueIsBlack) {
  for (const int value : {0, 100, 255}) {
    const cv::Mat even(3, 4, CV_8UC1, cv::Scalar(value));
    EXPECT_EQ(count_of(run("threshold", method("otsu"), even), 0), 12) << value;
  }
  const cv::Mat two = picture_of({2, 1}, CV_8UC1, [](int, int x, int) { return x == 0 ? 254 : 255; });
  EXPECT_EQ(count_of(run("threshold", method("otsu"), two), 255), 1);
}

ParamValues adaptive(const std::string& kind, std::int64_t window, double offset, bool invert = false) {
  return {{"method", "adaptive_" + kind}, {"window", window}, {"offset", offset}, {"invert", invert}};
}

TEST(Threshold, AdaptiveMeanComparesWithTheWindow) {
  for (const std::int64_t window : {3, 7, 61}) {
    for (const double offset : {5.0, 0.0, -20.25}) {
      for (const cv::Size size : kSizes) {
        const cv::Mat in = noise(size.height, size.width, CV_8UC1);
        const int radius = static_cast<int>(window) / 2;
        const cv::Mat wanted = picture_of(size, CV_8UC1, [&](int y, int x, int) {
          double sum = 0;
          for (int j = -radius; j <= radius; ++j)
            for (int i = -radius; i <= radius; ++i) sum += value_at(in, y + j, x + i, 0);
          const double area = static_cast<double>(window * window);
          return area * value_at(in, y, x, 0) > sum - offset * area ? 255 : 0;
        });
        EXPECT_EQ(largest_difference(run("threshold", adaptive("mean", window, offset), in), wanted), 0)
            << window << size << offset;
        const cv::Mat inverted = run("threshold", adaptive("mean", window, offset, true), in);
        EXPECT_EQ(count_of(inverted + wanted, 255), size.area());
      }
    }
  }
}

TEST(Threshold, AdaptiveGaussianComparesWithTheMeanWithinATwentiethOfALevel) {
  for (const int window : {3, 9, 31}) {
    const cv::Mat in = noise(20, 26, CV_8UC1);
    const double sigma = 0.3 * ((window - 1) * 0.5 - 1) + 0.8;
    const cv::Mat out = run("threshold", adaptive("gaussian", window, 4), in);
    const int radius = window / 2;
    int compared = 0;
    for (int y = 0; y < in.rows; ++y) {
      for (int x = 0; x < in.cols; ++x) {
        double sum = 0, total = 0;
        for (int j = -radius; j <= radius; ++j) {
          for (int i = -radius; i <= radius; ++i) {
            const double weight = std::exp(-(i * i + j * j) / (2 * sigma * sigma));
            sum += weight * value_at(in, y + j, x + i, 0), total += weight;
          }
        }
        const double over = value_at(in, y, x, 0) - (sum / total - 4);
        if (std::abs(over) < 0.05) continue;
        ++compared;
        EXPECT_EQ(value_at(out, y, x, 0), over > 0 ? 255 : 0) << window << " " << over;
      }
    }
    EXPECT_GT(compared, in.rows * in.cols * 95 / 100);
  }
}

TEST(Threshold, AdaptiveFindsInkOnUnevenPaper) {
  const auto ink = [](int y, int x) { return x % 9 == 4 && y > 2 && y < 27; };
  const cv::Mat page =
      picture_of({60, 30}, CV_8UC1, [&](int y, int x, int) { return 60 + 3 * x - (ink(y, x) ? 40 : 0); });
  for (const char* kind : {"mean", "gaussian"}) {
    const cv::Mat out = run("threshold", adaptive(kind, 15, 12), page);
    for (int y = 0; y < page.rows; ++y)
      for (int x = 0; x < page.cols; ++x)
        EXPECT_EQ(value_at(out, y, x, 0), ink(y, x) ? 0 : 255) << kind << x << "," << y;
  }
}

TEST(Threshold, RefusesAnEvenWindowAndOtherPictures) {
  EXPECT_NE(problem("threshold", {{"window", std::int64_t{4}}}).find("odd"), std::string::npos);
  EXPECT_NE(problem("threshold", method("triangle")).find("otsu"), std::string::npos);
  EXPECT_NE(error_of("threshold", {}, frame_of(noise(4, 4, CV_16UC1))).find("allowed: values of 8U"),
            std::string::npos);
  EXPECT_EQ(builtin_tasks().catalog().find("threshold")->halo, nullptr) << "Otsu's needs the whole picture";
}

// Of the pixels in the window that lie in the picture.
cv::Mat extreme(const cv::Mat& in, const std::function<bool(int, int)>& in_window, int radius, bool largest) {
  return picture_of(in.size(), in.type(), [&](int y, int x, int c) {
    double found = largest ? 0 : 255;
    for (int j = std::max(0, y - radius); j <= std::min(in.rows - 1, y + radius); ++j) {
      for (int i = std::max(0, x - radius); i <= std::min(in.cols - 1, x + radius); ++i) {
        if (!in_window(j - y, i - x)) continue;
        found = largest ? std::max(found, value_at(in, j, i, c)) : std::min(found, value_at(in, j, i, c));
      }
    }
    return found;
  });
}

cv::Mat morphology(const cv::Mat& in, const std::string& operation, const std::string& shape, int size,
                   int iterations) {
  const int radius = size / 2;
  const auto in_window = [&](int j, int i) {
    if (shape == "cross") return i == 0 || j == 0;
    if (shape == "rect" || radius == 0) return true;
    return std::abs(i) <= std::nearbyint(std::sqrt(static_cast<double>(radius * radius - j * j)));
  };
  const auto repeated = [&](cv::Mat image, bool largest) {
    for (int n = 0; n < iterations; ++n) image = extreme(image, in_window, radius, largest);
    return image;
  };
  const auto less = [&](const cv::Mat& a, const cv::Mat& b) {
    return picture_of(in.size(), in.type(),
                      [&](int y, int x, int c) { return value_at(a, y, x, c) - value_at(b, y, x, c); });
  };
  if (operation == "erode") return repeated(in, false);
  if (operation == "dilate") return repeated(in, true);
  if (operation == "gradient") return less(repeated(in, true), repeated(in, false));
  const cv::Mat opened = repeated(repeated(in, false), true), closed = repeated(repeated(in, true), false);
  if (operation == "open") return opened;
  if (operation == "close") return closed;
  return operation == "tophat" ? less(in, opened) : less(closed, in);
}

const char* const kOperations[] = {"erode", "dilate", "open", "close", "gradient", "tophat", "blackhat"};
const char* const kShapes[] = {"rect", "ellipse", "cross"};

ParamValues morphology_params(const std::string& operation, const std::string& shape, int size, int iterations) {
  return {{"operation", operation},
          {"shape", shape},
          {"size", std::int64_t{size}},
          {"iterations", std::int64_t{iterations}}};
}

TEST(Morphology, EqualsItsDefinitionInEachOperationAndShape) {
  for (const char* operation : kOperations) {
    for (const char* shape : kShapes) {
      for (const auto& [size, iterations] : {std::pair{1, 1}, {3, 1}, {5, 2}, {9, 1}, {3, 4}}) {
        for (const cv::Size extent : {cv::Size(1, 1), cv::Size(7, 1), cv::Size(1, 7), cv::Size(17, 13)}) {
          const cv::Mat in = noise(extent.height, extent.width, CV_8UC3);
          EXPECT_EQ(largest_difference(run("morphology", morphology_params(operation, shape, size, iterations), in),
                                       morphology(in, operation, shape, size, iterations)),
                    0)
              << operation << shape << size << iterations << extent;
        }
      }
    }
  }
}

TEST(Morphology, StandsAWindowLargerThanThePicture) {
  const cv::Mat in = noise(5, 4, CV_8UC1);
  for (const char* shape : kShapes) {
    EXPECT_EQ(largest_difference(run("morphology", morphology_params("dilate", shape, 51, 20), in),
                                 morphology(in, "dilate", shape, 51, 20)),
              0);
  }
  EXPECT_NE(problem("morphology", {{"size", std::int64_t{4}}}).find("odd"), std::string::npos);
  EXPECT_NE(problem("morphology", {{"iterations", std::int64_t{0}}}).find("from 1 to 20"), std::string::npos);
}

TEST(Edges, StripesWithTheirHaloAreBitExactWithTheWhole) {
  const cv::Mat in = noise(97, 33, CV_8UC3), gray = noise(97, 33, CV_8UC1);
  for (const Kind& kind : kinds())
    expect_stripes_equal_the_whole("sobel", params_of(kind, 0.3), in, declared_halo("sobel", params_of(kind, 0.3)));
  for (const std::int64_t aperture : {1, 3})
    expect_stripes_equal_the_whole("laplacian", {{"aperture", aperture}}, in, declared_halo("laplacian", {}));
  for (const char* kind : {"mean", "gaussian"})  // what they need, though the task as a whole cannot be split
    expect_stripes_equal_the_whole("threshold", adaptive(kind, 11, 3), gray, 5);
  for (const char* task : {"sobel", "laplacian"})
    EXPECT_GT(difference_in_stripes(task, {}, in, 0), 0) << "the halo is 1: a row less is too few";
  for (const char* operation : kOperations) {
    for (const char* shape : kShapes) {
      const ParamValues params = morphology_params(operation, shape, 5, 2);
      const int halo = declared_halo("morphology", params);
      expect_stripes_equal_the_whole("morphology", params, in, halo);
      if (halo != 4) continue;  // of two passes: on noise the outermost row hardly ever counts
      EXPECT_GT(difference_in_stripes("morphology", params, in, halo - 1), 0) << operation << ": a row less is too few";
    }
  }
  EXPECT_EQ(declared_halo("morphology", morphology_params("erode", "rect", 5, 3)), 6);
  EXPECT_EQ(declared_halo("morphology", morphology_params("tophat", "rect", 5, 3)), 12);
}

TEST(Edges, DoNotSeeBeyondAViewIntoALargerPicture) {
  expect_views_are_whole_pictures("sobel", {}, CV_8UC3);
  expect_views_are_whole_pictures("sobel", {{"aperture", std::int64_t{5}}}, CV_8UC1);
  for (const std::int64_t aperture : {1, 3})
    expect_views_are_whole_pictures("laplacian", {{"aperture", aperture}}, CV_8UC1);
  for (const char* name : {"fixed", "otsu", "adaptive_mean", "adaptive_gaussian"}) {
    expect_views_are_whole_pictures("threshold", method(name), CV_8UC1);
    expect_views_are_whole_pictures("threshold", method(name), CV_8UC3);
  }
  for (const char* operation : kOperations)
    expect_views_are_whole_pictures("morphology", morphology_params(operation, "ellipse", 5, 2), CV_8UC3);
}

}  // namespace
}  // namespace ride::tasks
