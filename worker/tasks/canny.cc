// canny: 8-bit pictures of 1 or 3 channels to 255 on edges, 0 elsewhere.
#include <opencv2/imgproc.hpp>

#include "worker/tasks/picture.h"
#include "worker/tasks/registry.h"

namespace ride::tasks {
namespace {

class Canny : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    low_ = get_number(env.params, "low");
    high_ = get_number(env.params, "high");
    aperture_ = static_cast<int>(get_int(env.params, "aperture"));
    l2gradient_ = get_bool(env.params, "l2gradient");
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    if (auto fit = expect_picture(env_, frame, {CV_8U}, {1, 3}); !fit) return fit;
    cv::Mat edges = out.allocate(frame.image.rows, frame.image.cols, CV_8UC1);
    cv::Canny(frame.image, edges, low_, high_, aperture_, l2gradient_);
    out.emit(with_image(frame, std::move(edges)));
    return {};
  }

 private:
  TaskEnv env_;
  double low_ = 0, high_ = 0;
  int aperture_ = 3;
  bool l2gradient_ = false;
};

}  // namespace

std::unique_ptr<Task> make_canny() { return std::make_unique<Canny>(); }

}  // namespace ride::tasks
