// stddev_filter: local standard deviation; see stddev_kernel.h for values and exactness.
#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"
#include "worker/tasks/shared_params.h"
#include "worker/tasks/stddev_kernel.h"

namespace ride::tasks::stddev_filter {
namespace {

struct Options {
  int ksize = 7;
};

const Params<Options>& params() {
  static const Params<Options> kParams{window_param(&Options::ksize)};
  return kParams;
}

TaskDecl declaration() {
  return {
      .name = "stddev_filter",
      .doc =
          "Local standard deviation sqrt(E[x^2] - E[x]^2) of each channel in a square window, rounded to the nearest "
          "value of the input's depth; pixels outside the picture are mirrored (reflect101).",
      .params = params().specs(),
      .halo = [](const ParamValues& values) { return params().read(values).ksize / 2; }};
}

class StddevFilter : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    if (auto fit = expect_picture(env_, frame, {CV_8U, CV_16U, CV_32F}, {1, 2, 3, 4}); !fit) return fit;
    cv::Mat deviation = out.allocate(frame.image.rows, frame.image.cols, frame.image.type());
    local_stddev(frame.image, deviation, options_.ksize, env_.threads);
    out.emit(with_image(frame, std::move(deviation)));
    return {};
  }

 private:
  TaskEnv env_;
  Options options_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, StddevFilter)

}  // namespace ride::tasks::stddev_filter
