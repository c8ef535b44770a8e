// stddev_filter: local standard deviation; see stddev_kernel.h for values and exactness.
#include "worker/tasks/picture.h"
#include "worker/tasks/registry.h"
#include "worker/tasks/stddev_kernel.h"

namespace ride::tasks {
namespace {

class StddevFilter : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    ksize_ = static_cast<int>(get_int(env.params, "ksize"));
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    if (auto fit = expect_picture(env_, frame, {CV_8U, CV_16U, CV_32F}, {1, 2, 3, 4}); !fit) return fit;
    cv::Mat deviation = out.allocate(frame.image.rows, frame.image.cols, frame.image.type());
    local_stddev(frame.image, deviation, ksize_, env_.threads);
    out.emit(with_image(frame, std::move(deviation)));
    return {};
  }

 private:
  TaskEnv env_;
  int ksize_ = 0;
};

}  // namespace

std::unique_ptr<Task> make_stddev_filter() { return std::make_unique<StddevFilter>(); }

}  // namespace ride::tasks
