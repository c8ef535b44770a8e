// sobel: 8U, 1 to 4 channels; border reflect101. The two gradients are exact integers of 16 bits; their length is
// rounded to the nearest, exact where scale is 1.
#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "worker/tasks/nearest.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"

namespace ride::tasks::sobel {
namespace {

struct Options {
  std::string kind = "sobel";
  int aperture = 3;
  double scale = 1;
};

std::optional<std::string> window_of_16_bits(const ParamValue& value) {
  const auto aperture = std::get<std::int64_t>(value);
  if (aperture == 3 || aperture == 5) return std::nullopt;
  return "3 or 5 is allowed";
}

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"kind",
       &Options::kind,
       "Weights of the window: sobel (1 2 1 across), or scharr (3 10 3), whose lengths depend less on the direction",
       {.choices = {"sobel", "scharr"}}},
      {"aperture",
       &Options::aperture,
       "Side of the window, in pixels; scharr has 3 only",
       {.min = 3, .max = 5, .rule = window_of_16_bits, .rule_doc = "3 or 5"}},
      {"scale",
       &Options::scale,
       "Factor for the length; a step of 1 grey level has 4 with sobel of 3, 48 with 5, 16 with scharr",
       {.min = 0, .max = 1000}}};
  return kParams;
}

std::optional<std::string> kind_fits_aperture(const ParamValues& values) {
  const auto options = params().read(values);
  if (options.kind != "scharr" || options.aperture == 3) return std::nullopt;
  return "the kind scharr has a window of 3 only; set 'aperture' to 3, or 'kind' to sobel";
}

TaskDecl declaration() {
  return {.name = "sobel",
          .doc =
              "Length of the gradient, sqrt(dx^2 + dy^2), of each channel, cut at 255; pixels outside the picture are "
              "mirrored (reflect101). Takes 8-bit pictures.",
          .params = params().specs(),
          .halo = [](const ParamValues& values) { return params().read(values).aperture / 2; },
          .rule = kind_fits_aperture};
}

class Sobel : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    RIDE_TRY(expect_picture(env_, frame, {CV_8U}, {1, 2, 3, 4}));
    const cv::Mat in = isolated(frame.image);
    const int aperture = options_.kind == "scharr" ? cv::FILTER_SCHARR : options_.aperture;
    cv::Mat dx, dy;
    cv::Sobel(in, dx, CV_16S, 1, 0, aperture, 1, 0, cv::BORDER_REFLECT_101);
    cv::Sobel(in, dy, CV_16S, 0, 1, aperture, 1, 0, cv::BORDER_REFLECT_101);
    cv::Mat length = out.allocate(in.rows, in.cols, in.type());
    const std::size_t values = static_cast<std::size_t>(in.cols) * in.channels();
    const float scale = static_cast<float>(options_.scale);
    for (int y = 0; y < in.rows; ++y) {
      const std::int16_t *right = dx.ptr<std::int16_t>(y), *down = dy.ptr<std::int16_t>(y);
      std::uint8_t* to = length.ptr(y);
      for (std::size_t i = 0; i < values; ++i) {
        const int square = right[i] * right[i] + down[i] * down[i];
        to[i] = nearest<std::uint8_t>(std::min(255.0f, scale * std::sqrt(static_cast<float>(square))));
      }
    }
    out.emit(with_image(frame, std::move(length)));
    return {};
  }

 private:
  TaskEnv env_;
  Options options_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, Sobel)

}  // namespace ride::tasks::sobel
