// bilateral_filter: 8U, 1 or 3 channels, within 1 of the definition; border reflect101. A pixel adds up its window in
// one order, so tiles with a halo of ksize / 2 give the same values as the whole picture.
#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"
#include "worker/tasks/shared_params.h"

namespace ride::tasks::bilateral_filter {
namespace {

struct Options {
  int ksize = 9;
  double sigma_color = 30;
  double sigma_space = 3;
};

const Params<Options>& params() {
  // Every pixel of the disc costs an exponential: a window as large as those of the other filters would take minutes.
  static const Params<Options> kParams{
      {"ksize",
       &Options::ksize,
       "Diameter of the disc, in pixels; the time grows with its square",
       {.min = 3, .max = 51, .rule = odd, .rule_doc = "odd"}},
      {"sigma_color",
       &Options::sigma_color,
       "Standard deviation of the weight by difference, in grey levels (of three channels the differences are added)",
       {.min = 0.1, .max = 1000}},
      {"sigma_space",
       &Options::sigma_space,
       "Standard deviation of the weight by distance, in pixels",
       {.min = 0.1, .max = 1000}}};
  return kParams;
}

TaskDecl declaration() {
  return {.name = "bilateral_filter",
          .doc =
              "Smooths and keeps edges (Tomasi and Manduchi, 1998): a mean over a disc, weighted by distance and by "
              "difference in color; pixels outside the picture are mirrored (reflect101). Takes 8-bit pictures of 1 or "
              "3 channels.",
          .params = params().specs(),
          .halo = [](const ParamValues& values) { return params().read(values).ksize / 2; }};
}

// Rows that are filtered at once, so that a large picture shows progress and its copy with a border stays small. OpenCV
// sees the rows around a band; the border is reflected rightly because a band has more rows than half a window.
constexpr int kBandRows = 128, kBandPixels = 1 << 19;

int rows_of_a_band(int cols, int ksize) {
  return std::max(ksize / 2 + 1, std::min(kBandRows, kBandPixels / std::max(1, cols)));
}

class BilateralFilter : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    RIDE_TRY(expect_picture(env_, frame, {CV_8U}, {1, 3}));
    cv::Mat filtered = out.allocate(frame.image.rows, frame.image.cols, frame.image.type());
    const cv::Mat in = isolated(frame.image);
    const int rows = rows_of_a_band(in.cols, options_.ksize);
    for (int row = 0; row < in.rows; row += rows) {
      const cv::Range band(row, std::min(row + rows, in.rows));
      cv::Mat to = filtered.rowRange(band);
      cv::bilateralFilter(in.rowRange(band), to, options_.ksize, options_.sigma_color, options_.sigma_space,
                          cv::BORDER_REFLECT_101);
      out.progress();
    }
    out.emit(with_image(frame, std::move(filtered)));
    return {};
  }

 private:
  TaskEnv env_;
  Options options_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, BilateralFilter)

}  // namespace ride::tasks::bilateral_filter
