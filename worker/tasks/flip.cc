// flip: any depth, 1 to 4 channels; the pixels are copied as they are.
#include <opencv2/core.hpp>

#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"

namespace ride::tasks::flip {
namespace {

struct Options {
  std::string direction = "horizontal";
};

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"direction",
       &Options::direction,
       "horizontal: left becomes right; vertical: the top becomes the bottom; both: half a turn",
       {.choices = {"horizontal", "vertical", "both"}}}};
  return kParams;
}

TaskDecl declaration() {
  return {.name = "flip", .doc = "Mirrors the picture. Depth and channels unchanged.", .params = params().specs()};
}

class Flip : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    RIDE_TRY(expect_picture(env_, frame, {CV_8U, CV_16U, CV_32F}, {1, 2, 3, 4}));
    const int code = options_.direction == "horizontal" ? 1 : options_.direction == "vertical" ? 0 : -1;
    cv::Mat flipped = out.allocate(frame.image.rows, frame.image.cols, frame.image.type());
    cv::flip(frame.image, flipped, code);
    out.emit(with_image(frame, std::move(flipped)));
    return {};
  }

 private:
  TaskEnv env_;
  Options options_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, Flip)

}  // namespace ride::tasks::flip
