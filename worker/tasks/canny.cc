// canny: 8-bit pictures of 1 or 3 channels to 255 on edges, 0 elsewhere.
#include <opencv2/imgproc.hpp>

#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"

namespace ride::tasks::canny {
namespace {

struct Options {
  double low = 50;
  double high = 150;
  int aperture = 3;
  bool l2gradient = false;
};

std::optional<std::string> sobel_aperture(const ParamValue& value) {
  const auto aperture = std::get<std::int64_t>(value);
  if (aperture == 3 || aperture == 5 || aperture == 7) return std::nullopt;
  return "3, 5 or 7 is allowed";
}

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"low", &Options::low, "Gradient from which a pixel continues an edge", {.min = 0}},
      {"high", &Options::high, "Gradient from which a pixel starts an edge", {.min = 0}},
      {"aperture",
       &Options::aperture,
       "Side of the Sobel window, in pixels",
       {.min = 3, .max = 7, .rule = sobel_aperture, .rule_doc = "3, 5 or 7"}},
      {"l2gradient", &Options::l2gradient, "Length of the gradient as sqrt(dx^2 + dy^2) instead of |dx| + |dy|"}};
  return kParams;
}

std::optional<std::string> thresholds(const ParamValues& values) {
  const auto options = params().read(values);
  if (options.low <= options.high) return std::nullopt;
  return "'low' is above 'high'; swap them";
}

TaskDecl declaration() {
  return {
      .name = "canny",
      .doc =
          "Edges after Canny (1986), 255 on an edge and 0 elsewhere, one channel of 8 bits; of several channels the "
          "strongest gradient counts. Takes 8-bit pictures.",
      .params = params().specs(),
      .rule = thresholds};
}

class Canny : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    if (auto fit = expect_picture(env_, frame, {CV_8U}, {1, 3}); !fit) return fit;
    cv::Mat edges = out.allocate(frame.image.rows, frame.image.cols, CV_8UC1);
    cv::Canny(frame.image, edges, options_.low, options_.high, options_.aperture, options_.l2gradient);
    out.emit(with_image(frame, std::move(edges)));
    return {};
  }

 private:
  TaskEnv env_;
  Options options_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, Canny)

}  // namespace ride::tasks::canny
