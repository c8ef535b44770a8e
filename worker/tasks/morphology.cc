// morphology: 8U, 1 to 4 channels, exact. Outside the picture nothing counts: an erosion sees no darker, a dilation no
// brighter pixel there.
#include <opencv2/imgproc.hpp>

#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"
#include "worker/tasks/shared_params.h"

namespace ride::tasks::morphology {
namespace {

struct Options {
  std::string operation = "open";
  std::string shape = "rect";
  int size = 3;
  int iterations = 1;
};

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"operation",
       &Options::operation,
       "What is done",
       {.choices = {"erode", "dilate", "open", "close", "gradient", "tophat", "blackhat"}}},
      {"shape", &Options::shape, "Shape of the window", {.choices = {"rect", "ellipse", "cross"}}},
      {"size", &Options::size, "Side of the window, in pixels", {.min = 1, .max = 51, .rule = odd, .rule_doc = "odd"}},
      {"iterations",
       &Options::iterations,
       "How often each erosion and dilation is done, one after the other",
       {.min = 1, .max = 20}}};
  return kParams;
}

int halo(const ParamValues& values) {
  const auto options = params().read(values);
  const auto& name = options.operation;
  const bool one_pass = name == "erode" || name == "dilate" || name == "gradient";
  return options.size / 2 * options.iterations * (one_pass ? 1 : 2);
}

TaskDecl declaration() {
  return {
      .name = "morphology",
      .doc =
          "Grows or shrinks what is bright, each channel by itself: erode, dilate, open (erode, then dilate), close "
          "(dilate, then erode), gradient (dilated less eroded), tophat (picture less opened), blackhat (closed "
          "less picture). Pixels outside the picture do not count. Takes 8-bit pictures.",
      .params = params().specs(),
      .halo = halo};
}

int operation_of(const std::string& name) {
  if (name == "erode") return cv::MORPH_ERODE;
  if (name == "dilate") return cv::MORPH_DILATE;
  if (name == "open") return cv::MORPH_OPEN;
  if (name == "close") return cv::MORPH_CLOSE;
  if (name == "gradient") return cv::MORPH_GRADIENT;
  if (name == "tophat") return cv::MORPH_TOPHAT;
  return cv::MORPH_BLACKHAT;
}

int shape_of(const std::string& name) {
  if (name == "ellipse") return cv::MORPH_ELLIPSE;
  if (name == "cross") return cv::MORPH_CROSS;
  return cv::MORPH_RECT;
}

class Morphology : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    element_ = cv::getStructuringElement(shape_of(options_.shape), cv::Size(options_.size, options_.size));
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    RIDE_TRY(expect_picture(env_, frame, {CV_8U}, {1, 2, 3, 4}));
    const cv::Mat in = isolated(frame.image);
    cv::Mat changed = out.allocate(in.rows, in.cols, in.type());
    // The default border, which never counts.
    cv::morphologyEx(in, changed, operation_of(options_.operation), element_, cv::Point(-1, -1), options_.iterations);
    out.emit(with_image(frame, std::move(changed)));
    return {};
  }

 private:
  TaskEnv env_;
  Options options_;
  cv::Mat element_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, Morphology)

}  // namespace ride::tasks::morphology
