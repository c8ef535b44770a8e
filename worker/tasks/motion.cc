// motion: the share of pixels that changed since the frame before of the same source (frame difference: R. Jain and
// H.-H. Nagel, "On the analysis of accumulative difference pictures from image sequences of real world scenes", 1979).
// 8U, 16U and 32F (0..1) pictures of 1, 3 or 4 channels, compared in 8-bit brightness. State: one brightness picture
// for each source. Frames must come in order, and a new owner is warmed up with the last one of each source.
#include <spdlog/fmt/fmt.h>

#include <map>
#include <opencv2/imgproc.hpp>

#include "worker/tasks/picture.h"
#include "worker/tasks/registry.h"

namespace ride::tasks {
namespace {

class Motion : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    threshold_ = get_number(env.params, "threshold");
    min_area_ = get_number(env.params, "min_area");
    emit_ = get_string(env.params, "emit");
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
      cv::threshold(difference_, mask, threshold_, 255, cv::THRESH_BINARY);
    } else {
      mask.setTo(0);
    }
    before = gray;
    const double share = static_cast<double>(cv::countNonZero(mask)) / static_cast<double>(mask.total());
    if (emit_ == "moving" && share < min_area_) return {};
    Frame result = emit_ == "mask" ? with_image(frame, std::move(mask)) : frame;
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
  double threshold_ = 0, min_area_ = 0;
  std::string emit_;
  std::map<std::string, cv::Mat> before_;  // by source
  cv::Mat buffer_, difference_;
};

}  // namespace

std::unique_ptr<Task> make_motion() { return std::make_unique<Motion>(); }

}  // namespace ride::tasks
