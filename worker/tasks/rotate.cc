// rotate: 8U, 16U or 32F, 1 to 4 channels. Multiples of 90 degrees copy the pixels as they are, where the result has
// the size that this needs (always with `expand`); otherwise bilinear interpolation (warp.h), within 1 of the
// definition (8U, 16U) or 1e-5 (32F). NaN reaches the pixels that are interpolated from it.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>
#include <utility>

#include "worker/tasks/color.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"
#include "worker/tasks/shared_params.h"
#include "worker/tasks/warp.h"

namespace ride::tasks::rotate {
namespace {

struct Options {
  double angle = 0;
  bool expand = true;
  std::string fill = "#000000";
};

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"angle", &Options::angle, "Degrees, clockwise", {.min = -360, .max = 360, .required = true}},
      {"expand", &Options::expand,
       "The result becomes as large as the turned picture needs; false: it keeps the size of the input, and corners "
       "are cut"},
      color_param("fill", &Options::fill, "Color of what lies outside the picture")};
  return kParams;
}

TaskDecl declaration() {
  return {
      .name = "rotate",
      .doc =
          "Turns the picture clockwise around its middle. The result holds the whole picture, or has the size of the "
          "input; the rest is filled. Depth and channels unchanged.",
      .params = params().specs()};
}

// A long thin picture that is turned needs a square: up to this many times its pixels, or this many, is no slip.
constexpr double kMaxGrowth = 4, kSmallPixels = 1e8;

class Rotate : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    RIDE_TRY(expect_picture(env_, frame, {CV_8U, CV_16U, CV_32F}, {1, 2, 3, 4}));
    if (options_.angle == 0) {
      out.emit(frame);
      return {};
    }
    if (copies(frame.image)) {
      out.emit(with_image(frame, quarters(frame.image, out)));
      return {};
    }
    const auto [width, height] = extent(frame.image);
    const double most = std::max(kSmallPixels, kMaxGrowth * static_cast<double>(frame.image.total()));
    if (width * height > most) {
      return Error{ErrorCode::resource_exhausted,
                   fmt::format("{}: {} would become {}x{}, more than {:.0f} pixels; set 'expand' to false",
                               place(env_, frame), shape_text(frame.image), width, height, most)};
    }
    RIDE_TRY(expect_output_fits(env_, frame, width, height, frame.image.type()));
    cv::Mat turned = out.allocate(static_cast<int>(height), static_cast<int>(width), frame.image.type());
    turn(frame.image, turned, out);
    out.emit(with_image(frame, std::move(turned)));
    return {};
  }

 private:
  // Pixels go to pixels: a quarter turn into a picture of that size, or half a turn.
  bool copies(const cv::Mat& in) const {
    if (std::fmod(options_.angle, 90) != 0) return false;
    return options_.expand || in.rows == in.cols || std::fmod(options_.angle, 180) == 0;
  }

  // Exact for right angles.
  std::pair<double, double> cosine_and_sine() const {
    const double quarter = std::fmod(options_.angle + 360, 360) / 90;
    constexpr std::pair<double, double> kRight[] = {{1, 0}, {0, 1}, {-1, 0}, {0, -1}};
    if (quarter == std::floor(quarter)) return kRight[static_cast<int>(quarter) % 4];
    return {std::cos(quarter * CV_PI / 2), std::sin(quarter * CV_PI / 2)};
  }

  std::pair<double, double> extent(const cv::Mat& in) const {
    if (!options_.expand) return {in.cols, in.rows};
    const auto turn = cosine_and_sine();
    const auto side = [&turn](double a, double b) {
      return std::ceil(a * std::abs(turn.first) + b * std::abs(turn.second) - 1e-6);
    };
    return {side(in.cols, in.rows), side(in.rows, in.cols)};
  }

  cv::Mat quarters(const cv::Mat& in, Emitter& out) const {
    const int turns = static_cast<int>(std::fmod(options_.angle + 360, 360) / 90);
    const bool upright = turns % 2 == 0;
    cv::Mat turned = out.allocate(upright ? in.rows : in.cols, upright ? in.cols : in.rows, in.type());
    if (turns == 0) in.copyTo(turned);
    if (turns == 1) cv::rotate(in, turned, cv::ROTATE_90_CLOCKWISE);
    if (turns == 2) cv::rotate(in, turned, cv::ROTATE_180);
    if (turns == 3) cv::rotate(in, turned, cv::ROTATE_90_COUNTERCLOCKWISE);
    return turned;
  }

  // Where a pixel of the result lies in the input: turned back around the middle.
  void turn(const cv::Mat& in, cv::Mat& turned, Emitter& out) const {
    const auto [cosine, sine] = cosine_and_sine();
    const double x = (turned.cols - 1) / 2.0, y = (turned.rows - 1) / 2.0;
    const Projection back{.x = {cosine, sine, (in.cols - 1) / 2.0 - cosine * x - sine * y},
                          .y = {-sine, cosine, (in.rows - 1) / 2.0 + sine * x - cosine * y},
                          .depth = {0, 0, 1}};
    warp(in, back, color_in(turned, options_.fill), turned, env_.threads, [&out] { out.progress(); });
  }

  TaskEnv env_;
  Options options_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, Rotate)

}  // namespace ride::tasks::rotate
