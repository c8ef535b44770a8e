// white_balance: gray world, 8U, 3 or 4 channels (alpha unchanged), exact: the sums are 64-bit integers, then a table
// for each channel.
#include <array>
#include <opencv2/core.hpp>

#include "worker/tasks/picture.h"
#include "worker/tasks/pixel_rows.h"
#include "worker/tasks/register_task.h"

namespace ride::tasks::white_balance {
namespace {

struct Options {
  double strength = 1;
};

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"strength", &Options::strength, "Share of the correction; 0 changes nothing", {.min = 0, .max = 1}}};
  return kParams;
}

TaskDecl declaration() {
  return {
      .name = "white_balance",
      .doc =
          "Takes a color cast away (gray world, Buchsbaum, 1980): each channel is multiplied so that its mean becomes "
          "the mean of all three. A channel without any light and an alpha channel stay. Takes 8-bit color pictures.",
      .params = params().specs()};
}

constexpr int kPart = 256;  // pixels

class WhiteBalance : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    RIDE_TRY(expect_picture(env_, frame, {CV_8U}, {3, 4}));
    const cv::Mat& in = frame.image;
    const cv::Scalar sums = cv::sum(in);  // whole numbers below 2^53: exact
    const double gray = (sums[0] + sums[1] + sums[2]) / 3;
    // The gains of a row's part, pixel by pixel; alpha has 1.
    const int channels = in.channels();
    std::array<float, std::size_t{4} * kPart> gains;
    gains.fill(1);
    for (int c = 0; c < 3; ++c) {
      const double full = sums[c] > 0 ? gray / sums[c] : 1;
      for (int i = 0; i < kPart; ++i) gains[i * channels + c] = static_cast<float>(1 + options_.strength * (full - 1));
    }
    cv::Mat balanced = out.allocate(in.rows, in.cols, in.type());
    for (int y = 0; y < in.rows; ++y) {
      for (int x = 0; x < in.cols; x += kPart) {
        const std::size_t values = static_cast<std::size_t>(std::min(kPart, in.cols - x)) * channels;
        const std::size_t first = static_cast<std::size_t>(x) * channels;
        times(in.ptr(y) + first, gains.data(), balanced.ptr(y) + first, values);
      }
    }
    out.emit(with_image(frame, std::move(balanced)));
    return {};
  }

 private:
  TaskEnv env_;
  Options options_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, WhiteBalance)

}  // namespace ride::tasks::white_balance
