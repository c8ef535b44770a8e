// clahe: 8U, 1, 3 or 4 channels (alpha unchanged), within 1 of the definition. If a side is no multiple of
// `tiles`, the picture is continued by mirroring (reflect101) on the right and below: to the next multiple, and by
// `tiles` pixels more on a side that is one already (OpenCV's way).
#include <opencv2/imgproc.hpp>

#include "worker/tasks/brightness.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"

namespace ride::tasks::clahe {
namespace {

struct Options {
  double clip_limit = 2;
  int tiles = 8;
};

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"clip_limit",
       &Options::clip_limit,
       "How steep the brightness may rise: factor over an even histogram, beyond which counts are spread over all "
       "values; 0: no limit",
       {.min = 0, .max = 256}},
      {"tiles", &Options::tiles, "Number of parts in each direction", {.min = 1, .max = 64}}};
  return kParams;
}

TaskDecl declaration() {
  return {.name = "clahe",
          .doc =
              "Spreads the brightness evenly in each of tiles x tiles parts, with a limit for the contrast, and passes "
              "smoothly from one to the next (CLAHE, Zuiderveld, 1994). In color, each channel shifts by what the "
              "brightness shifts. An alpha channel stays. Takes 8-bit pictures.",
          .params = params().specs()};
}

class Clahe : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    RIDE_TRY(expect_picture(env_, frame, {CV_8U}, {1, 3, 4}));
    const cv::Mat& in = frame.image;
    const cv::Mat gray = brightness_of(in);
    const auto clahe = cv::createCLAHE(options_.clip_limit, cv::Size(options_.tiles, options_.tiles));
    cv::Mat even = out.allocate(in.rows, in.cols, in.type());
    if (in.channels() == 1) {
      clahe->apply(isolated(gray), even);
    } else {
      cv::Mat changed;
      clahe->apply(isolated(gray), changed);
      shift_brightness(in, gray, changed, even);
    }
    out.emit(with_image(frame, std::move(even)));
    return {};
  }

 private:
  TaskEnv env_;
  Options options_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, Clahe)

}  // namespace ride::tasks::clahe
