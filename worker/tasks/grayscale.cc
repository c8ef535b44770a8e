// grayscale: BGR or BGRA to brightness, 8U, 16U or 32F, depth unchanged (ITU-R BT.601 weights, as cv::cvtColor has
// them).
#include <opencv2/imgproc.hpp>

#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"

namespace ride::tasks::grayscale {
namespace {

TaskDecl declaration() {
  return {.name = "grayscale",
          .doc =
              "Brightness of the picture as one channel, 0.114 B + 0.587 G + 0.299 R (ITU-R BT.601); depth unchanged. "
              "A picture of one channel is passed on as it came.",
          .halo = [](const ParamValues&) { return 0; }};
}

class Grayscale : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    if (auto fit = expect_picture(env_, frame, {CV_8U, CV_16U, CV_32F}, {1, 3, 4}); !fit) return fit;
    const cv::Mat& in = frame.image;
    if (in.channels() == 1) {
      out.emit(frame);
      return {};
    }
    cv::Mat gray = out.allocate(in.rows, in.cols, CV_MAKETYPE(in.depth(), 1));
    cv::cvtColor(in, gray, in.channels() == 3 ? cv::COLOR_BGR2GRAY : cv::COLOR_BGRA2GRAY);
    out.emit(with_image(frame, std::move(gray)));
    return {};
  }

 private:
  TaskEnv env_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, Grayscale)

}  // namespace ride::tasks::grayscale
