// threshold: 8U, 1, 3 or 4 channels, to 255 and 0 in one channel. fixed, otsu and adaptive_mean are exact;
// adaptive_gaussian compares with a mean in steps of 1/256 of a grey level (gaussian_filter.h). Border: reflect101.
#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "worker/tasks/gaussian_filter.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/pixel_rows.h"
#include "worker/tasks/register_task.h"
#include "worker/tasks/shared_params.h"
#include "worker/tasks/value_table.h"

namespace ride::tasks::threshold {
namespace {

struct Options {
  std::string method = "fixed";
  double value = 127;
  int window = 31;
  double offset = 5;
  bool invert = false;
};

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"method",
       &Options::method,
       "What the brightness is compared with: 'value', Otsu's threshold, or the mean of the window, even or Gaussian",
       {.choices = {"fixed", "otsu", "adaptive_mean", "adaptive_gaussian"}}},
      {"value", &Options::value, "With fixed: the threshold, in grey levels", {.min = 0, .max = 255}},
      {"window",
       &Options::window,
       "With the adaptive methods: side of the square window, in pixels; the Gaussian has a standard deviation of 0.3 "
       "((window - 1) / 2 - 1) + 0.8",
       {.min = 3, .max = 201, .rule = odd, .rule_doc = "odd"}},
      {"offset",
       &Options::offset,
       "With the adaptive methods: what is taken from the mean, in grey levels; above 0, even areas become white",
       {.min = -255, .max = 255}},
      {"invert", &Options::invert, "0 above the threshold and 255 elsewhere"}};
  return kParams;
}

TaskDecl declaration() {
  return {.name = "threshold",
          .doc =
              "Makes the picture black and white: 255 where the brightness is above a threshold, 0 elsewhere, in one "
              "channel. The threshold is a value, that of Otsu (1979) for the whole picture, or the mean of each "
              "pixel's surroundings less an offset; those are mirrored outside the picture (reflect101). Takes 8-bit "
              "pictures.",
          .params = params().specs()};
}

// The value that separates the picture best into two classes: it maximises the variance between them. A picture of one
// value gets that value, so that nothing is above it.
int otsu_threshold(const Histogram& counts) {
  double all = 0, sum = 0;
  int best = 0;
  for (int value = 0; value < 256; ++value) {
    if (counts[value] > 0) best = value;
    all += static_cast<double>(counts[value]);
    sum += static_cast<double>(counts[value]) * value;
  }
  double below = 0, sum_below = 0, most = 0;
  for (int value = 0; value < 255; ++value) {
    below += static_cast<double>(counts[value]);
    sum_below += static_cast<double>(counts[value]) * value;
    if (below == 0 || below == all) continue;
    const double apart = sum_below / below - (sum - sum_below) / (all - below);
    const double variance = below * (all - below) * apart * apart;
    if (variance > most) most = variance, best = value;
  }
  return best;
}

class Threshold : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    RIDE_TRY(expect_picture(env_, frame, {CV_8U}, {1, 3, 4}));
    const cv::Mat brightness = brightness_of(frame.image), gray = isolated(brightness);
    cv::Mat bright = out.allocate(gray.rows, gray.cols, CV_8UC1);
    if (options_.method == "fixed") {
      above(gray, options_.value, bright);
    } else if (options_.method == "otsu") {
      above(gray, otsu_threshold(histogram_of(gray)), bright);
    } else if (options_.method == "adaptive_mean") {
      above_mean(gray, bright);
    } else {
      above_gaussian_mean(gray, bright);
    }
    out.emit(with_image(frame, std::move(bright)));
    return {};
  }

 private:
  void above(const cv::Mat& gray, double threshold, cv::Mat& bright) const {
    cv::threshold(gray, bright, threshold, 255, options_.invert ? cv::THRESH_BINARY_INV : cv::THRESH_BINARY);
  }

  // value > mean - offset, both sides times the window's area: integers, without rounding.
  void above_mean(const cv::Mat& gray, cv::Mat& bright) const {
    // In bands whose sums stay in the cache. OpenCV sees the rows around a band; the border is reflected rightly
    // because a band has more rows than half a window.
    const int rows = std::max(options_.window, 64);
    cv::Mat sums;
    for (int top = 0; top < gray.rows; top += rows) {
      cv::boxFilter(gray.rowRange(top, std::min(gray.rows, top + rows)), sums, CV_32S,
                    cv::Size(options_.window, options_.window), cv::Point(-1, -1), false, cv::BORDER_REFLECT_101);
      compare<std::int32_t>(gray, top, sums, options_.window * options_.window, bright);
    }
  }

  void above_gaussian_mean(const cv::Mat& gray, cv::Mat& bright) const {
    const GaussianFilter filter(options_.window, gaussian_sigma(options_.window, 0));
    filter.strips(gray, env_.threads,
                  [&](int top, const cv::Mat& means) { compare<std::uint16_t>(gray, top, means, 256, bright); });
  }

  // `means`: of the pixels from row `top` on, times `unit`.
  template <class Mean>
  void compare(const cv::Mat& gray, int top, const cv::Mat& means, int unit, cv::Mat& bright) const {
    const int limit = static_cast<int>(std::floor(-options_.offset * unit));
    const std::uint8_t on = options_.invert ? 0 : 255, off = options_.invert ? 255 : 0;
    for (int y = 0; y < means.rows; ++y)
      mark_above_mean(gray.ptr(top + y), means.ptr<Mean>(y), unit, limit, on, off, bright.ptr(top + y), gray.cols);
  }

  TaskEnv env_;
  Options options_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, Threshold)

}  // namespace ride::tasks::threshold
