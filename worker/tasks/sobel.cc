// sobel: 8U, 1 to 4 channels; border reflect101. The two gradients are exact integers of 16 bits; their length is
// rounded to the nearest, exact where scale is 1.
#include <opencv2/core.hpp>
#include <vector>

#include "worker/tasks/mirror.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/pixel_rows.h"
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

GradientWeights weights_of(const Options& options) {
  if (options.kind == "scharr") return {.middle = 10, .near = 3};
  if (options.aperture == 3) return {};
  return {.radius = 2};
}

class Sobel : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    const Options options = params().read(env.params);
    weights_ = weights_of(options);
    scale_ = static_cast<float>(options.scale);
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    RIDE_TRY(expect_picture(env_, frame, {CV_8U}, {1, 2, 3, 4}));
    const cv::Mat& in = frame.image;
    cv::Mat length = out.allocate(in.rows, in.cols, in.type());
    const std::size_t values = static_cast<std::size_t>(in.cols) * in.channels();
    const std::size_t before = static_cast<std::size_t>(weights_.radius) * in.channels();
    smooth_.resize(values + 2 * before);
    difference_.resize(values + 2 * before);
    std::int16_t *smooth = smooth_.data() + before, *difference = difference_.data() + before;
    const std::uint8_t* rows[5] = {};
    for (int y = 0; y < in.rows; ++y) {
      for (int i = 0; i <= 2 * weights_.radius; ++i) rows[i] = in.ptr(mirrored(y - weights_.radius + i, in.rows));
      smooth_and_differ(rows, weights_, smooth, difference, values);
      mirror_ends(smooth, in.cols, in.channels(), weights_.radius);
      mirror_ends(difference, in.cols, in.channels(), weights_.radius);
      gradient_length(smooth, difference, weights_, in.channels(), scale_, length.ptr(y), values);
    }
    out.emit(with_image(frame, std::move(length)));
    return {};
  }

 private:
  TaskEnv env_;
  GradientWeights weights_;
  float scale_ = 1;
  std::vector<std::int16_t> smooth_, difference_;  // a row of each
};

}  // namespace

RIDE_REGISTER_TASK(declaration, Sobel)

}  // namespace ride::tasks::sobel
