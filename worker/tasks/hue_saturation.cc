// hue_saturation: 8U, 3 or 4 channels (alpha unchanged). Computed in floats, without the steps of an 8-bit HSV picture:
// within 1 of the definition in real numbers, and nothing changes where nothing is asked.
#include <opencv2/core.hpp>

#include "worker/tasks/picture.h"
#include "worker/tasks/pixel_rows.h"
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

class HueSaturation : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    const Options options = params().read(env.params);
    change_ = {.turn = static_cast<float>(options.hue / 60 + (options.hue < 0 ? 6 : 0)),
               .saturation = static_cast<float>(options.saturation),
               .value = static_cast<float>(options.value)};
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    RIDE_TRY(expect_picture(env_, frame, {CV_8U}, {3, 4}));
    const cv::Mat& in = frame.image;
    cv::Mat turned = out.allocate(in.rows, in.cols, in.type());
    for (int y = 0; y < in.rows; ++y) change_hsv(in.ptr(y), change_, in.channels(), turned.ptr(y), in.cols);
    out.emit(with_image(frame, std::move(turned)));
    return {};
  }

 private:
  TaskEnv env_;
  HsvChange change_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, HueSaturation)

}  // namespace ride::tasks::hue_saturation
