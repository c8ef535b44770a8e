// hue_saturation: 8U, 3 or 4 channels (alpha unchanged). Computed in floats, without the steps of an 8-bit HSV picture:
// within 1 of the definition in real numbers, and nothing changes where nothing is asked.
#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>

#include "worker/tasks/nearest.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"

namespace ride::tasks::hue_saturation {
namespace {

struct Options {
  double hue = 0;
  double saturation = 1;
  double value = 1;
};

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"hue", &Options::hue, "What is added to the hue, in degrees: red + 120 is green", {.min = -360, .max = 360}},
      {"saturation",
       &Options::saturation,
       "Factor for the saturation; 0 makes the picture grey",
       {.min = 0, .max = 100}},
      {"value", &Options::value, "Factor for the value, the largest of a pixel's channels", {.min = 0, .max = 100}}};
  return kParams;
}

TaskDecl declaration() {
  return {
      .name = "hue_saturation",
      .doc =
          "Turns the hue and multiplies saturation and value of the HSV model (Smith, 1978). An alpha channel stays. "
          "Takes 8-bit color pictures.",
      .params = params().specs(),
      .halo = [](const ParamValues&) { return 0; }};
}

// The share of the saturation that a channel loses: 0 within 60 degrees of its own hue, 1 beyond 120. `turn`: the hue
// less the channel's own, in sixths of the circle, from -6 to below 12.
float loss(float turn) {
  const float around = turn < 0 ? turn + 6 : turn >= 6 ? turn - 6 : turn;
  return std::clamp(std::min(around, 6 - around) - 1, 0.0f, 1.0f);
}

class HueSaturation : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    const Options options = params().read(env.params);
    turn_ = static_cast<float>(options.hue / 60 + (options.hue < 0 ? 6 : 0));  // 0 to 6
    saturation_ = static_cast<float>(options.saturation);
    value_ = static_cast<float>(options.value);
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    RIDE_TRY(expect_picture(env_, frame, {CV_8U}, {3, 4}));
    const cv::Mat& in = frame.image;
    cv::Mat turned = out.allocate(in.rows, in.cols, in.type());
    const std::size_t channels = in.channels(), values = channels * in.cols;
    for (int y = 0; y < in.rows; ++y) {
      const std::uint8_t* from = in.ptr(y);
      std::uint8_t* to = turned.ptr(y);
      for (std::size_t i = 0; i < values; i += channels) {
        turn(from + i, to + i);
        if (channels == 4) to[i + 3] = from[i + 3];
      }
    }
    out.emit(with_image(frame, std::move(turned)));
    return {};
  }

 private:
  // Blue, green, red.
  void turn(const std::uint8_t* from, std::uint8_t* to) const {
    const float blue = from[0], green = from[1], red = from[2];
    const float most = std::max({blue, green, red}), range = most - std::min({blue, green, red});
    float hue = 0;  // in sixths, red is 0
    if (range > 0) {
      hue = most == red ? (green - blue) / range : most == green ? 2 + (blue - red) / range : 4 + (red - green) / range;
    }
    hue += turn_;
    const float value = std::min(255.0f, most * value_);
    const float saturation = most > 0 ? std::min(1.0f, range / most * saturation_) : 0;
    const float own[] = {4, 2, 0};
    for (int c = 0; c < 3; ++c) to[c] = nearest<std::uint8_t>(value * (1 - saturation * loss(hue - own[c])));
  }

  TaskEnv env_;
  float turn_ = 0, saturation_ = 1, value_ = 1;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, HueSaturation)

}  // namespace ride::tasks::hue_saturation
