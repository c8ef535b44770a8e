// motion: the share of pixels that changed since the frame before of the same source (frame difference: R. Jain and
// H.-H. Nagel, "On the analysis of accumulative difference pictures from image sequences of real world scenes", 1979).
// 8U, 16U and 32F (0..1) pictures of 1, 3 or 4 channels, compared in 8-bit brightness. State: one brightness picture
// for each source. Frames must come in order, and a new owner is warmed up with the last one of each source.
#include <spdlog/fmt/fmt.h>

#include <map>
#include <opencv2/imgproc.hpp>

#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"

namespace ride::tasks::motion {
namespace {

struct Options {
  double threshold = 25;
  std::string emit = "all";
  double min_area = 0.005;
};

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"threshold",
       &Options::threshold,
       "A pixel has changed when its brightness differs by more than this, of 255",
       {.min = 0, .max = 254}},
      {"emit",
       &Options::emit,
       "Every frame, only frames that move, or the mask of what changed (8-bit, 255 where it did)",
       {.choices = {"all", "mask", "moving"}}},
      {"min_area",
       &Options::min_area,
       "With emit: moving, the share of pixels that must have changed",
       {.min = 0, .max = 1}}};
  return kParams;
}

TaskDecl declaration() {
  return {.name = "motion",
          .doc =
              "Compares each frame with the previous one of its source and gives the share of pixels that changed, as "
              "attribute 'motion' (frame difference in 8-bit brightness).",
          .params = params().specs(),
          .needs_order = true,
          .warmup_frames = 1};
}

class Motion : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    if (auto fit = expect_picture(env_, frame, {CV_8U, CV_16U, CV_32F}, {1, 3, 4}); !fit) return fit;
    cv::Mat gray = brightness(frame.image);
    cv::Mat& before = before_[frame.id.source];
    // The first frame, or one of another size (the camera was set anew), has nothing to be compared with.
    const bool comparable = before.size() == gray.size();
    cv::Mat mask = out.allocate(gray.rows, gray.cols, CV_8UC1);
    if (comparable) {
      cv::absdiff(gray, before, difference_);
      cv::threshold(difference_, mask, options_.threshold, 255, cv::THRESH_BINARY);
    } else {
      mask.setTo(0);
    }
    before = gray;
    const double share = static_cast<double>(cv::countNonZero(mask)) / static_cast<double>(mask.total());
    if (options_.emit == "moving" && share < options_.min_area) return {};
    Frame result = options_.emit == "mask" ? with_image(frame, std::move(mask)) : frame;
    result.attributes["motion"] = fmt::format("{:.6f}", share);
    out.emit(std::move(result));
    return {};
  }

 private:
  // Memory of its own: it outlives the frame.
  cv::Mat brightness(const cv::Mat& image) {
    const cv::Mat bytes = as_8bit(image, buffer_);
    cv::Mat gray;
    if (bytes.channels() == 1)
      bytes.copyTo(gray);
    else
      cv::cvtColor(bytes, gray, cv::COLOR_BGR2GRAY);
    return gray;
  }

  TaskEnv env_;
  Options options_;
  std::map<std::string, cv::Mat> before_;  // by source
  cv::Mat buffer_, difference_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, Motion)

}  // namespace ride::tasks::motion
