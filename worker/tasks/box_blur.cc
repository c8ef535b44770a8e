// box_blur: 8U or 16U, 1 to 4 channels; border reflect101. The sums of a window are exact integers, so tiles with a
// halo of ksize / 2 give the same values as the whole picture. Within 1 of the rounded mean, on 8U and windows up to 61
// equal to it. No 32F: sums that slide over floats would depend on where a tile begins.
#include <opencv2/imgproc.hpp>

#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"
#include "worker/tasks/shared_params.h"

namespace ride::tasks::box_blur {
namespace {

struct Options {
  int ksize = 5;
};

const Params<Options>& params() {
  static const Params<Options> kParams{window_param(&Options::ksize)};
  return kParams;
}

TaskDecl declaration() {
  return {.name = "box_blur",
          .doc =
              "Smooths with the mean of a square window; pixels outside the picture are mirrored (reflect101). Takes "
              "8-bit and 16-bit pictures; depth and channels unchanged.",
          .params = params().specs(),
          .halo = [](const ParamValues& values) { return params().read(values).ksize / 2; }};
}

class BoxBlur : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    RIDE_TRY(expect_picture(env_, frame, {CV_8U, CV_16U}, {1, 2, 3, 4}));
    cv::Mat blurred = out.allocate(frame.image.rows, frame.image.cols, frame.image.type());
    cv::blur(isolated(frame.image), blurred, cv::Size(options_.ksize, options_.ksize), cv::Point(-1, -1),
             cv::BORDER_REFLECT_101);
    out.emit(with_image(frame, std::move(blurred)));
    return {};
  }

 private:
  TaskEnv env_;
  Options options_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, BoxBlur)

}  // namespace ride::tasks::box_blur
