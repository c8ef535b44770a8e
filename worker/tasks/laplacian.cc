// laplacian: 8U, 1 to 4 channels, exact up to the rounding of the scaled value; border reflect101.
#include <opencv2/core.hpp>
#include <vector>

#include "worker/tasks/mirror.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/pixel_rows.h"
#include "worker/tasks/register_task.h"

namespace ride::tasks::laplacian {
namespace {

struct Options {
  int aperture = 1;
  double scale = 1;
};

std::optional<std::string> known_window(const ParamValue& value) {
  const auto aperture = std::get<std::int64_t>(value);
  if (aperture == 1 || aperture == 3) return std::nullopt;
  return "1 or 3 is allowed";
}

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"aperture",
       &Options::aperture,
       "Weights of the 3x3 window: 1 for 0 1 0 / 1 -4 1 / 0 1 0, 3 for 2 0 2 / 0 -8 0 / 2 0 2",
       {.min = 1, .max = 3, .rule = known_window, .rule_doc = "1 or 3"}},
      {"scale", &Options::scale, "Factor for the value", {.min = 0, .max = 1000}}};
  return kParams;
}

TaskDecl declaration() {
  return {.name = "laplacian",
          .doc =
              "Absolute value of the second derivative (Laplace) of each channel, cut at 255; pixels outside the "
              "picture are mirrored (reflect101). Takes 8-bit pictures.",
          .params = params().specs(),
          .halo = [](const ParamValues&) { return 1; }};
}

class Laplacian : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    RIDE_TRY(expect_picture(env_, frame, {CV_8U}, {1, 2, 3, 4}));
    const cv::Mat& in = frame.image;
    cv::Mat strength = out.allocate(in.rows, in.cols, in.type());
    const int channels = in.channels();
    const std::size_t values = static_cast<std::size_t>(in.cols) * channels;
    around_.resize(values + 2 * static_cast<std::size_t>(channels));
    own_.resize(around_.size());
    std::int16_t *around = around_.data() + channels, *own = own_.data() + channels;
    for (int y = 0; y < in.rows; ++y) {
      add_rows(in.ptr(mirrored(y - 1, in.rows)), in.ptr(y), in.ptr(mirrored(y + 1, in.rows)), around, own, values);
      mirror_ends(around, in.cols, channels, 1);
      mirror_ends(own, in.cols, channels, 1);
      laplace_strength(around, own, options_.aperture == 3, channels, static_cast<float>(options_.scale),
                       strength.ptr(y), values);
    }
    out.emit(with_image(frame, std::move(strength)));
    return {};
  }

 private:
  TaskEnv env_;
  Options options_;
  std::vector<std::int16_t> around_, own_;  // a row of each
};

}  // namespace

RIDE_REGISTER_TASK(declaration, Laplacian)

}  // namespace ride::tasks::laplacian
