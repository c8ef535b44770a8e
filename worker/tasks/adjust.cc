// adjust: 8U, 1, 3 or 4 channels (alpha unchanged), exact: one table for all values.
#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>

#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"
#include "worker/tasks/value_table.h"

namespace ride::tasks::adjust {
namespace {

struct Options {
  double brightness = 0;
  double contrast = 1;
  double gamma = 1;
};

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"brightness", &Options::brightness, "What is added, as a share of the range", {.min = -1, .max = 1}},
      {"contrast", &Options::contrast, "Factor for the distance from medium grey", {.min = 0, .max = 100}},
      {"gamma", &Options::gamma, "Above 1 dark areas become lighter, below 1 darker", {.min = 0.05, .max = 20}}};
  return kParams;
}

TaskDecl declaration() {
  return {
      .name = "adjust",
      .doc =
          "Changes brightness, contrast and gamma, in this order: v = contrast (v - 0.5) + 0.5 + brightness, cut at 0 "
          "and 1, then v^(1 / gamma), for values of 0 to 1. An alpha channel stays. Takes 8-bit pictures.",
      .params = params().specs(),
      .halo = [](const ParamValues&) { return 0; }};
}

class Adjust : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    const Options options = params().read(env.params);
    table_ = value_table([&](int value) {
      const double straight = options.contrast * (value / 255.0 - 0.5) + 0.5 + options.brightness;
      return 255 * std::pow(std::clamp(straight, 0.0, 1.0), 1 / options.gamma);
    });
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    RIDE_TRY(expect_picture(env_, frame, {CV_8U}, {1, 3, 4}));
    cv::Mat adjusted = out.allocate(frame.image.rows, frame.image.cols, frame.image.type());
    look_up(frame.image, table_, adjusted);
    out.emit(with_image(frame, std::move(adjusted)));
    return {};
  }

 private:
  TaskEnv env_;
  ValueTable table_{};
};

}  // namespace

RIDE_REGISTER_TASK(declaration, Adjust)

}  // namespace ride::tasks::adjust
