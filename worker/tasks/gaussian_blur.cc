// gaussian_blur: 8U, 16U or 32F, 1 to 4 channels; border reflect101. 8U and 16U are OpenCV's bit-exact fixed-point
// filters, so tiles with a halo of ksize / 2 give the same values as the whole picture. Against the definition in real
// numbers: within 1 on 8U (weights there are multiples of 1/256; up to 4 in pictures of a pixel or two), within 2 on
// 16U, within 1e-5 on 32F.
#include <opencv2/imgproc.hpp>

#include "worker/tasks/picture.h"
#include "worker/tasks/registry.h"

namespace ride::tasks {
namespace {

class GaussianBlur : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    ksize_ = static_cast<int>(get_int(env.params, "ksize"));
    sigma_ = get_number(env.params, "sigma");
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    if (auto fit = expect_picture(env_, frame, {CV_8U, CV_16U, CV_32F}, {1, 2, 3, 4}); !fit) return fit;
    const cv::Mat& in = frame.image;
    cv::Mat blurred = out.allocate(in.rows, in.cols, in.type());
    // ISOLATED: a picture that is a view into a larger one must not see its neighbours.
    cv::GaussianBlur(in, blurred, cv::Size(ksize_, ksize_), sigma_, sigma_,
                     cv::BORDER_REFLECT_101 | cv::BORDER_ISOLATED);
    out.emit(with_image(frame, std::move(blurred)));
    return {};
  }

 private:
  TaskEnv env_;
  int ksize_ = 0;
  double sigma_ = 0;
};

}  // namespace

std::unique_ptr<Task> make_gaussian_blur() { return std::make_unique<GaussianBlur>(); }

}  // namespace ride::tasks
