// crop: any depth, 1 to 4 channels; the pixels are copied as they are.
#include <spdlog/fmt/fmt.h>

#include <opencv2/core.hpp>

#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"

namespace ride::tasks::crop {
namespace {

struct Options {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
};

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"x", &Options::x, "First column, counted from 0 on the left", {.min = 0, .max = 1000000}},
      {"y", &Options::y, "First row, counted from 0 at the top", {.min = 0, .max = 1000000}},
      {"width", &Options::width, "Number of columns; 0: up to the right edge", {.min = 0, .max = 1000000}},
      {"height", &Options::height, "Number of rows; 0: up to the lower edge", {.min = 0, .max = 1000000}}};
  return kParams;
}

TaskDecl declaration() {
  return {
      .name = "crop",
      .doc =
          "Cuts a rectangle out of the picture. One that does not lie within the picture is an error of that frame. "
          "Depth and channels unchanged.",
      .params = params().specs()};
}

class Crop : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    RIDE_TRY(expect_picture(env_, frame, {CV_8U, CV_16U, CV_32F}, {1, 2, 3, 4}));
    const cv::Mat& in = frame.image;
    const int width = options_.width > 0 ? options_.width : in.cols - options_.x;
    const int height = options_.height > 0 ? options_.height : in.rows - options_.y;
    // The parameters end at 1,000,000: no sum overflows.
    if (width < 1 || height < 1 || options_.x + width > in.cols || options_.y + height > in.rows) {
      return Error{ErrorCode::invalid_argument,
                   fmt::format("{}: the rectangle from ({}, {}){} leaves the picture of {}; change it, or put a task "
                               "'resize' before this one so that all pictures have one size",
                               place(env_, frame), options_.x, options_.y, size_text(), shape_text(in))};
    }
    if (width == in.cols && height == in.rows) {
      out.emit(frame);
      return {};
    }
    cv::Mat part = out.allocate(height, width, in.type());
    in(cv::Rect(options_.x, options_.y, width, height)).copyTo(part);
    out.emit(with_image(frame, std::move(part)));
    return {};
  }

 private:
  // " of 30x20", as far as it is given.
  std::string size_text() const {
    const auto side = [](int length) { return length > 0 ? std::to_string(length) : "the rest"; };
    return options_.width + options_.height == 0 ? "" : " of " + side(options_.width) + " x " + side(options_.height);
  }

  TaskEnv env_;
  Options options_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, Crop)

}  // namespace ride::tasks::crop
