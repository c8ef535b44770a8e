// draw_detections: boxes, labels and scores on a copy of the picture; 8U, 16U or 32F, 1, 3 or 4 channels.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "worker/tasks/detections.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/registry.h"

namespace ride::tasks {
namespace {

constexpr std::size_t kMaxLabel = 64;  // characters drawn

// 0..255 in the value range of a depth.
double in_range_of(int depth, double value) {
  return depth == CV_16U ? value * 257 : depth == CV_32F ? value / 255 : value;
}

int pixel(double value) { return cvRound(std::clamp(value, -1e6, 1e6)); }

class DrawDetections : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    thickness_ = static_cast<int>(get_int(env.params, "thickness"));
    label_ = get_bool(env.params, "label");
    const std::string& color = get_string(env.params, "color");
    const auto channel = [&](std::size_t at) {
      return static_cast<double>(std::stoi(color.substr(at, 2), nullptr, 16));
    };
    red_ = channel(1), green_ = channel(3), blue_ = channel(5);
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    const auto attribute = frame.attributes.find(kDetectionsAttribute);
    if (attribute == frame.attributes.end()) {
      out.emit(frame);
      return {};
    }
    const auto detections = detections_from_json(attribute->second);
    if (!detections) {
      return Error{ErrorCode::corrupt,
                   fmt::format("{}: the attribute 'detections' cannot be read: {}; look at the task "
                               "that writes it",
                               place(env_, frame), detections.error().message)};
    }
    if (detections->empty()) {
      out.emit(frame);
      return {};
    }
    if (auto fit = expect_picture(env_, frame, {CV_8U, CV_16U, CV_32F}, {1, 3, 4}); !fit) return fit;
    cv::Mat picture = out.allocate(frame.image.rows, frame.image.cols, frame.image.type());
    frame.image.copyTo(picture);
    for (const Detection& detection : *detections) draw(detection, picture);
    out.emit(with_image(frame, std::move(picture)));
    return {};
  }

 private:
  cv::Scalar color_for(const cv::Mat& picture) const {
    const auto value = [&](double v) { return in_range_of(picture.depth(), v); };
    if (picture.channels() == 1) return cv::Scalar(value(0.114 * blue_ + 0.587 * green_ + 0.299 * red_));
    return {value(blue_), value(green_), value(red_), value(255)};
  }

  void draw(const Detection& found, cv::Mat& picture) const {
    const cv::Scalar color = color_for(picture);
    const cv::Rect box(pixel(found.x), pixel(found.y), pixel(found.width), pixel(found.height));
    cv::rectangle(picture, box, color, thickness_, cv::LINE_8);
    if (!label_) return;
    const std::string text = fmt::format("{} {:.2f}", found.label.substr(0, kMaxLabel), found.score);
    // Above the box; where the picture ends, inside it.
    const int above = box.y - thickness_ - 3;
    const cv::Point at(std::max(0, box.x), above >= 12 ? above : box.y + thickness_ + 14);
    cv::putText(picture, text, at, cv::FONT_HERSHEY_SIMPLEX, 0.5, color, 1, cv::LINE_8);
  }

  TaskEnv env_;
  int thickness_ = 2;
  bool label_ = true;
  double red_ = 0, green_ = 0, blue_ = 0;
};

}  // namespace

std::unique_ptr<Task> make_draw_detections() { return std::make_unique<DrawDetections>(); }

}  // namespace ride::tasks
