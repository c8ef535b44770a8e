// resize: 8U, 16U or 32F, 1 to 4 channels, to a wanted size. 32F may leave 0..1 a little with cubic interpolation.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"

namespace ride::tasks::resize {
namespace {

struct Options {
  int width = 0;
  int height = 0;
  double scale = 0;
  std::string interpolation = "linear";
  bool keep_aspect = true;
};

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"width", &Options::width, "Wanted width, in pixels; 0: follows from the height", {.min = 0, .max = 65535}},
      {"height", &Options::height, "Wanted height, in pixels; 0: follows from the width", {.min = 0, .max = 65535}},
      {"scale", &Options::scale, "Factor for both sides; 0: not used", {.min = 0, .max = 64}},
      {"interpolation",
       &Options::interpolation,
       "How values between pixels are found; area is best for making pictures smaller",
       {.choices = {"nearest", "linear", "area", "cubic"}}},
      {"keep_aspect", &Options::keep_aspect,
       "With both width and height: fit the picture into them and keep its proportions"}};
  return kParams;
}

std::optional<std::string> one_size(const ParamValues& values) {
  const auto options = params().read(values);
  const bool by_size = options.width > 0 || options.height > 0;
  const bool by_scale = options.scale > 0;
  if (by_size && by_scale) return "both a size and 'scale' are given; keep one of them";
  if (!by_size && !by_scale) return "no size is given; set 'width', 'height' or both, or 'scale'";
  return std::nullopt;
}

TaskDecl declaration() {
  return {.name = "resize",
          .doc =
              "Changes the size of the picture: to a width and a height, to one of them (the other follows), or by a "
              "factor.",
          .params = params().specs(),
          .rule = one_size};
}

int interpolation_of(const std::string& name) {
  if (name == "nearest") return cv::INTER_NEAREST;
  if (name == "area") return cv::INTER_AREA;
  if (name == "cubic") return cv::INTER_CUBIC;
  return cv::INTER_LINEAR;
}

class Resize : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    interpolation_ = interpolation_of(options_.interpolation);
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    if (auto fit = expect_picture(env_, frame, {CV_8U, CV_16U, CV_32F}, {1, 2, 3, 4}); !fit) return fit;
    const cv::Mat& in = frame.image;
    const auto [width, height] = wanted(in.cols, in.rows);
    RIDE_TRY(expect_output_fits(env_, frame, width, height, in.type()));
    const cv::Size size(static_cast<int>(width), static_cast<int>(height));
    if (size == in.size()) {
      out.emit(frame);
      return {};
    }
    cv::Mat resized = out.allocate(size.height, size.width, in.type());
    cv::resize(in, resized, size, 0, 0, interpolation_);
    out.emit(with_image(frame, std::move(resized)));
    return {};
  }

 private:
  std::pair<double, double> wanted(double cols, double rows) const {
    const auto side = [](double length) { return std::max(1.0, std::round(length)); };
    const double scale = options_.scale, width = options_.width, height = options_.height;
    if (scale > 0) return {side(cols * scale), side(rows * scale)};
    if (width > 0 && height > 0 && !options_.keep_aspect) return {width, height};
    const double by_width = width / cols, by_height = height / rows;
    const double factor = height == 0 ? by_width : width == 0 ? by_height : std::min(by_width, by_height);
    return {side(cols * factor), side(rows * factor)};
  }

  TaskEnv env_;
  Options options_;
  int interpolation_ = cv::INTER_LINEAR;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, Resize)

}  // namespace ride::tasks::resize
