// convert_color: 8U, the conversions of cv::cvtColor: within 1 of their definitions, Lab within 3 (2 on the way back
// from HSV and 3 from Lab and YCrCb, whose 8-bit values have steps of their own).
#include <opencv2/imgproc.hpp>
#include <vector>

#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"

namespace ride::tasks::convert_color {
namespace {

struct Options {
  std::string from = "bgr";
  std::string to;
};

const Params<Options>& params() {
  static const Params<Options> kParams{{"to",
                                        &Options::to,
                                        "Color space of the result",
                                        {.choices = {"gray", "bgr", "hsv", "lab", "ycrcb"}, .required = true}},
                                       {"from",
                                        &Options::from,
                                        "What the three channels of the input are; nothing in a picture says so",
                                        {.choices = {"bgr", "hsv", "lab", "ycrcb"}}}};
  return kParams;
}

TaskDecl declaration() {
  return {
      .name = "convert_color",
      .doc =
          "Turns a picture into another color space: gray (ITU-R BT.601), bgr, hsv (hue in steps of 2 degrees, 0 to "
          "179), lab (CIE L*a*b*, L times 2.55, a and b plus 128) or ycrcb. Alpha is dropped; a picture of one "
          "channel counts as gray. Takes 8-bit pictures.",
      .params = params().specs(),
      .halo = [](const ParamValues&) { return 0; }};
}

int to_bgr(const std::string& from) {
  if (from == "hsv") return cv::COLOR_HSV2BGR;
  if (from == "lab") return cv::COLOR_Lab2BGR;
  return cv::COLOR_YCrCb2BGR;
}

int from_bgr(const std::string& to) {
  if (to == "gray") return cv::COLOR_BGR2GRAY;
  if (to == "hsv") return cv::COLOR_BGR2HSV;
  if (to == "lab") return cv::COLOR_BGR2Lab;
  return cv::COLOR_BGR2YCrCb;
}

class ConvertColor : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    RIDE_TRY(expect_picture(env_, frame, {CV_8U}, {1, 3, 4}));
    const cv::Mat& in = frame.image;
    const int channels = options_.to == "gray" ? 1 : 3;
    const bool as_it_is = in.channels() == 1 ? channels == 1 : in.channels() == 3 && options_.from == options_.to;
    if (as_it_is) {
      out.emit(frame);
      return {};
    }
    cv::Mat converted = out.allocate(in.rows, in.cols, CV_MAKETYPE(CV_8U, channels));
    convert(in, converted);
    out.emit(with_image(frame, std::move(converted)));
    return {};
  }

 private:
  // By way of BGR, where neither side is. The last step writes into `converted`.
  void convert(const cv::Mat& in, cv::Mat& converted) const {
    std::vector<int> steps;
    const bool gray = in.channels() == 1, other = gray || options_.from != options_.to;
    if (gray) steps.push_back(cv::COLOR_GRAY2BGR);
    if (in.channels() == 4) steps.push_back(cv::COLOR_BGRA2BGR);
    if (!gray && other && options_.from != "bgr") steps.push_back(to_bgr(options_.from));
    if (other && options_.to != "bgr") steps.push_back(from_bgr(options_.to));
    cv::Mat source = in;
    for (std::size_t i = 0; i + 1 < steps.size(); ++i) {
      cv::Mat between;
      cv::cvtColor(source, between, steps[i]);
      source = between;
    }
    cv::cvtColor(source, converted, steps.back());
  }

  TaskEnv env_;
  Options options_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, ConvertColor)

}  // namespace ride::tasks::convert_color
