// equalize: 8U, 1, 3 or 4 channels (alpha unchanged), exact; counts have 64 bits.
#include <opencv2/core.hpp>

#include "worker/tasks/brightness.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"
#include "worker/tasks/value_table.h"

namespace ride::tasks::equalize {
namespace {

TaskDecl declaration() {
  return {
      .name = "equalize",
      .doc =
          "Spreads the brightness evenly over its range (histogram equalization, for the whole picture). In color, "
          "each channel shifts by what the brightness shifts: the color differences stay, as in YCrCb. A picture of "
          "one brightness and an alpha channel stay. Takes 8-bit pictures."};
}

// Each value becomes the share of pixels up to it; the lowest that occurs becomes 0.
ValueTable equalizing(const Histogram& counts) {
  int lowest = 0;
  while (lowest < 255 && counts[lowest] == 0) ++lowest;
  std::int64_t above_lowest = 0;
  for (int value = lowest + 1; value < 256; ++value) above_lowest += counts[value];
  if (above_lowest == 0) return value_table([](int value) { return value; });
  ValueTable table{};
  std::int64_t passed = 0;
  for (int value = lowest + 1; value < 256; ++value) {
    passed += counts[value];
    table[value] = to_byte(255.0 * static_cast<double>(passed) / static_cast<double>(above_lowest));
  }
  return table;
}

class Equalize : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    RIDE_TRY(expect_picture(env_, frame, {CV_8U}, {1, 3, 4}));
    const cv::Mat& in = frame.image;
    const cv::Mat gray = brightness_of(in);
    const ValueTable table = equalizing(histogram_of(gray));
    cv::Mat even = out.allocate(in.rows, in.cols, in.type());
    if (in.channels() == 1) {
      look_up(in, table, even);
    } else {
      cv::Mat changed(gray.rows, gray.cols, CV_8UC1);
      look_up(gray, table, changed);
      shift_brightness(in, gray, changed, even);
    }
    out.emit(with_image(frame, std::move(even)));
    return {};
  }

 private:
  TaskEnv env_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, Equalize)

}  // namespace ride::tasks::equalize
