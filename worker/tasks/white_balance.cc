// white_balance: gray world, 8U, 3 or 4 channels (alpha unchanged), exact: the sums are 64-bit integers, then a table
// for each channel.
#include <array>
#include <opencv2/core.hpp>

#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"
#include "worker/tasks/value_table.h"

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

std::array<std::int64_t, 3> sums_of(const cv::Mat& image) {
  const std::size_t channels = image.channels(), values = channels * image.cols;
  std::array<std::int64_t, 3> sums{};
  for (int y = 0; y < image.rows; ++y) {
    const std::uint8_t* row = image.ptr(y);
    for (std::size_t i = 0; i < values; i += channels)
      for (int c = 0; c < 3; ++c) sums[c] += row[i + c];
  }
  return sums;
}

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
    const auto sums = sums_of(in);
    const double gray = static_cast<double>(sums[0] + sums[1] + sums[2]) / 3;
    std::array<ValueTable, 3> tables;
    for (int c = 0; c < 3; ++c) {
      const double full = sums[c] > 0 ? gray / static_cast<double>(sums[c]) : 1;
      const double gain = 1 + options_.strength * (full - 1);
      tables[c] = value_table([&](int value) { return gain * value; });
    }
    cv::Mat balanced = out.allocate(in.rows, in.cols, in.type());
    look_up(in, tables, balanced);
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
