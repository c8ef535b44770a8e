// median_blur: 8U, 1, 3 or 4 channels; exact. The border is the one of cv::medianBlur, which knows no other: the pixels
// at the edge are repeated.
#include <opencv2/imgproc.hpp>

#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"
#include "worker/tasks/shared_params.h"

namespace ride::tasks::median_blur {
namespace {

struct Options {
  int ksize = 5;
};

const Params<Options>& params() {
  static const Params<Options> kParams{window_param(&Options::ksize)};
  return kParams;
}

TaskDecl declaration() {
  return {.name = "median_blur",
          .doc =
              "Takes the median of each channel in a square window, which removes single wrong pixels and keeps edges; "
              "outside the picture the pixels at its edge are repeated. Takes 8-bit pictures.",
          .params = params().specs(),
          .halo = [](const ParamValues& values) { return params().read(values).ksize / 2; }};
}

class MedianBlur : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    RIDE_TRY(expect_picture(env_, frame, {CV_8U}, {1, 3, 4}));
    cv::Mat median = out.allocate(frame.image.rows, frame.image.cols, frame.image.type());
    cv::medianBlur(isolated(frame.image), median, options_.ksize);
    out.emit(with_image(frame, std::move(median)));
    return {};
  }

 private:
  TaskEnv env_;
  Options options_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, MedianBlur)

}  // namespace ride::tasks::median_blur
