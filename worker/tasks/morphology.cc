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
    change(in, changed, out);
    out.emit(with_image(frame, std::move(changed)));
    return {};
  }

 private:
  using Pass = void (*)(cv::InputArray, cv::OutputArray, cv::InputArray, cv::Point, int, int, const cv::Scalar&);

  void change(const cv::Mat& in, cv::Mat& changed, Emitter& out) const {
    const auto& name = options_.operation;
    const Pass erode = cv::erode, dilate = cv::dilate;
    const bool erodes_first = name == "erode" || name == "open" || name == "gradient" || name == "tophat";
    const Pass first = erodes_first ? erode : dilate, then = erodes_first ? dilate : erode;
    repeated(first, in, changed, out);
    if (name == "erode" || name == "dilate") return;
    if (name == "gradient") {
      cv::Mat dilated(in.size(), in.type());
      repeated(dilate, in, dilated, out);
      cv::subtract(dilated, changed, changed);
      return;
    }
    repeated(then, changed, changed, out);
    if (name == "tophat") cv::subtract(in, changed, changed);
    if (name == "blackhat") cv::subtract(changed, in, changed);
  }

  // A large window that is no rectangle takes long: progress after each pass. OpenCV makes one pass of a rectangle's.
  // `to` may be `in`: OpenCV's filters keep the rows that they need.
  void repeated(Pass pass, const cv::Mat& in, cv::Mat& to, Emitter& out) const {
    const bool at_once = options_.shape == "rect";
    for (int i = 0; i < (at_once ? 1 : options_.iterations); ++i) {
      // The default border, which never counts.
      pass(i == 0 ? in : to, to, element_, cv::Point(-1, -1), at_once ? options_.iterations : 1, cv::BORDER_CONSTANT,
           cv::morphologyDefaultBorderValue());
      out.progress();
    }
  }

  TaskEnv env_;
  Options options_;
  cv::Mat element_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, Morphology)

}  // namespace ride::tasks::morphology
