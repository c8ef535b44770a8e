// gaussian_blur: 8U, 16U or 32F, 1 to 4 channels; border reflect101. 8U and 32F by gaussian_filter.h, 16U by OpenCV's
// bit-exact fixed-point filter: stripes and tiles with a halo of ksize / 2 give the same values as the whole picture.
// Against the definition in real numbers: within 1 on 8U, within 2 on 16U, within 1e-5 on 32F. Where sigma is 0, OpenCV
// has tables for windows of 3, 5 and 7 that differ from the formula by up to 6, 7 and 6 grey levels of 8 bits; the
// formula is what the parameter promises, so it counts in each depth.
#include <opencv2/imgproc.hpp>
#include <optional>

#include "worker/tasks/gaussian_filter.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"
#include "worker/tasks/shared_params.h"

namespace ride::tasks::gaussian_blur {
namespace {

struct Options {
  int ksize = 5;
  double sigma = 0;
};

const Params<Options>& params() {
  static const Params<Options> kParams{window_param(&Options::ksize),
                                       {"sigma",
                                        &Options::sigma,
                                        "Standard deviation of the Gaussian, in pixels; 0 derives 0.3 ((ksize - 1) / 2 "
                                        "- 1) + 0.8, for ksize 3, 5 and 7, "
                                        "too, where OpenCV has fixed tables",
                                        {.min = 0, .max = 1000}}};
  return kParams;
}

TaskDecl declaration() {
  return {
      .name = "gaussian_blur",
      .doc =
          "Smooths with a Gaussian window; pixels outside the picture are mirrored (reflect101). Depth and channels "
          "unchanged.",
      .params = params().specs(),
      .halo = [](const ParamValues& values) { return params().read(values).ksize / 2; }};
}

class GaussianBlur : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    options_.sigma = gaussian_sigma(options_.ksize, options_.sigma);
    filter_.emplace(options_.ksize, options_.sigma);
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    if (auto fit = expect_picture(env_, frame, {CV_8U, CV_16U, CV_32F}, {1, 2, 3, 4}); !fit) return fit;
    const cv::Mat& in = frame.image;
    cv::Mat blurred = out.allocate(in.rows, in.cols, in.type());
    if (in.depth() == CV_8U) {
      filter_->whole(in, blurred, env_.threads);
    } else if (in.depth() == CV_32F) {
      gaussian_floats(in, options_.ksize, options_.sigma, blurred, env_.threads);
    } else {
      // ISOLATED: a picture that is a view into a larger one must not see its neighbours.
      cv::GaussianBlur(in, blurred, cv::Size(options_.ksize, options_.ksize), options_.sigma, options_.sigma,
                       cv::BORDER_REFLECT_101 | cv::BORDER_ISOLATED);
    }
    out.emit(with_image(frame, std::move(blurred)));
    return {};
  }

 private:
  TaskEnv env_;
  Options options_;
  std::optional<GaussianFilter> filter_;  // of 8-bit pictures
};

}  // namespace

RIDE_REGISTER_TASK(declaration, GaussianBlur)

}  // namespace ride::tasks::gaussian_blur
