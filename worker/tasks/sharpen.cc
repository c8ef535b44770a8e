// sharpen: unsharp mask, 8U, 1 to 4 channels, within 1 of the definition (the mean has steps of 1/256,
// gaussian_filter.h; an `amount` of 20 makes its errors 20 times as large); border reflect101; even areas stay as they
// are. The Gaussian is cut at 3 sigma.
#include <cmath>
#include <opencv2/core.hpp>
#include <optional>

#include "worker/tasks/gaussian_filter.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/pixel_rows.h"
#include "worker/tasks/register_task.h"

namespace ride::tasks::sharpen {
namespace {

struct Options {
  double sigma = 1.5;
  double amount = 1;
};

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"sigma",
       &Options::sigma,
       "Standard deviation of the Gaussian, in pixels: the size of the details that gain",
       {.min = 0.3, .max = 33}},
      {"amount", &Options::amount, "Share of the difference that is added; 0 changes nothing", {.min = 0, .max = 20}}};
  return kParams;
}

// A coarse mean is 1/10 off at the most: up to this amount that stays below half a grey level.
constexpr double kMostCoarse = 4;

int radius(double sigma) { return static_cast<int>(std::ceil(3 * sigma)); }

TaskDecl declaration() {
  return {.name = "sharpen",
          .doc =
              "Sharpens with an unsharp mask: value + amount (value - Gaussian mean), each channel by itself; pixels "
              "outside the picture are mirrored (reflect101). Takes 8-bit pictures.",
          .params = params().specs(),
          .halo = [](const ParamValues& values) { return radius(params().read(values).sigma); }};
}

class Sharpen : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    filter_.emplace(2 * radius(options_.sigma) + 1, options_.sigma);
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    RIDE_TRY(expect_picture(env_, frame, {CV_8U}, {1, 2, 3, 4}));
    const cv::Mat& in = frame.image;
    cv::Mat sharp = out.allocate(in.rows, in.cols, in.type());
    const std::size_t values = static_cast<std::size_t>(in.cols) * in.channels();
    const float share = static_cast<float>(options_.amount / 256);
    const auto away = [&](int top, const cv::Mat& means) {
      for (int y = 0; y < means.rows; ++y)
        away_from_mean(in.ptr(top + y), means.ptr<std::uint16_t>(y), share, sharp.ptr(top + y), values);
    };
    filter_->strips(in, env_.threads, away,
                    options_.amount <= kMostCoarse ? GaussianFilter::Steps::coarse : GaussianFilter::Steps::fine);
    out.emit(with_image(frame, std::move(sharp)));
    return {};
  }

 private:
  TaskEnv env_;
  Options options_;
  std::optional<GaussianFilter> filter_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, Sharpen)

}  // namespace ride::tasks::sharpen
