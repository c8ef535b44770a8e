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
constexpr double kFontScale = 0.5;

// 0..255 in the value range of a depth.
double in_range_of(int depth, double value) {
  return depth == CV_16U ? value * 257 : depth == CV_32F ? value / 255 : value;
}

double brightness(double blue, double green, double red) { return 0.114 * blue + 0.587 * green + 0.299 * red; }

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
  // A color (0..255) as values of this picture.
  static cv::Scalar values_in(const cv::Mat& picture, double blue, double green, double red) {
    const auto value = [&](double v) { return in_range_of(picture.depth(), v); };
    if (picture.channels() == 1) return cv::Scalar(value(brightness(blue, green, red)));
    return {value(blue), value(green), value(red), value(255)};
  }

  void draw(const Detection& found, cv::Mat& picture) const {
    const cv::Rect box(pixel(found.x), pixel(found.y), pixel(found.width), pixel(found.height));
    cv::rectangle(picture, box, values_in(picture, blue_, green_, red_), thickness_, cv::LINE_8);
    if (label_) write_label(fmt::format("{} {:.2f}", found.label.substr(0, kMaxLabel), found.score), box, picture);
  }

  // On a ground of the boxes' color: above the box where there is space, else inside it; always within the picture's
  // sides.
  void write_label(const std::string& text, const cv::Rect& box, cv::Mat& picture) const {
    int below = 0;
    const cv::Size size = cv::getTextSize(text, cv::FONT_HERSHEY_SIMPLEX, kFontScale, 1, &below);
    const int height = size.height + below + 2;
    const int x = std::max(0, std::min(box.x, picture.cols - size.width - 2));
    const int y = box.y >= height ? box.y - height : box.y;
    cv::rectangle(picture, cv::Rect(x, y, size.width + 2, height), values_in(picture, blue_, green_, red_), cv::FILLED);
    const double ink = brightness(blue_, green_, red_) > 127 ? 0 : 255;
    cv::putText(picture, text, {x + 1, y + 1 + size.height}, cv::FONT_HERSHEY_SIMPLEX, kFontScale,
                values_in(picture, ink, ink, ink), 1, cv::LINE_8);
  }

  TaskEnv env_;
  int thickness_ = 2;
  bool label_ = true;
  double red_ = 0, green_ = 0, blue_ = 0;
};

}  // namespace

std::unique_ptr<Task> make_draw_detections() { return std::make_unique<DrawDetections>(); }

}  // namespace ride::tasks
