// draw_detections: boxes, labels and scores on a copy of the picture; 8U, 16U or 32F, 1, 3 or 4 channels.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "worker/tasks/color.h"
#include "worker/tasks/detections.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"
#include "worker/tasks/shared_params.h"

namespace ride::tasks::draw_detections {
namespace {

struct Options {
  int thickness = 2;
  std::string color = "#00ff00";
  bool label = true;
};

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"thickness", &Options::thickness, "Width of the lines, in pixels", {.min = 1, .max = 50}},
      color_param("color", &Options::color, "Color of boxes and text"),
      {"label", &Options::label, "Write label, score and track above each box"}};
  return kParams;
}

TaskDecl declaration() {
  return {.name = "draw_detections",
          .doc =
              "Draws the boxes of the attribute 'detections' with label, score and track. A frame without it, or with "
              "an empty "
              "list, is passed on as it came.",
          .params = params().specs()};
}

constexpr std::size_t kMaxLabel = 64;  // characters drawn
constexpr double kFontScale = 0.5;

int pixel(double value) { return cvRound(std::clamp(value, -1e6, 1e6)); }

class DrawDetections : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    if (!frame.attributes.contains(kDetectionsAttribute)) {
      out.emit(frame);
      return {};
    }
    RIDE_ASSIGN(const auto detections, required_detections(env_, frame));
    if (detections.empty()) {
      out.emit(frame);
      return {};
    }
    if (auto fit = expect_picture(env_, frame, {CV_8U, CV_16U, CV_32F}, {1, 3, 4}); !fit) return fit;
    cv::Mat picture = out.allocate(frame.image.rows, frame.image.cols, frame.image.type());
    frame.image.copyTo(picture);
    for (const Detection& detection : detections) draw(detection, picture);
    out.emit(with_image(frame, std::move(picture)));
    return {};
  }

 private:
  void draw(const Detection& found, cv::Mat& picture) const {
    const cv::Rect box(pixel(found.x), pixel(found.y), pixel(found.width), pixel(found.height));
    cv::rectangle(picture, box, color_in(picture, options_.color), options_.thickness, cv::LINE_8);
    if (!options_.label) return;
    const std::string track = found.track.empty() ? "" : " #" + found.track;
    write_label(fmt::format("{} {:.2f}{}", found.label.substr(0, kMaxLabel), found.score, track), box, picture);
  }

  // On a ground of the boxes' color: above the box where there is space, else inside it; always within the picture's
  // sides.
  void write_label(const std::string& text, const cv::Rect& box, cv::Mat& picture) const {
    int below = 0;
    const cv::Size size = cv::getTextSize(text, cv::FONT_HERSHEY_SIMPLEX, kFontScale, 1, &below);
    const int height = size.height + below + 2;
    const int x = std::max(0, std::min(box.x, picture.cols - size.width - 2));
    const int y = box.y >= height ? box.y - height : box.y;
    cv::rectangle(picture, cv::Rect(x, y, size.width + 2, height), color_in(picture, options_.color), cv::FILLED);
    cv::putText(picture, text, {x + 1, y + 1 + size.height}, cv::FONT_HERSHEY_SIMPLEX, kFontScale,
                color_in(picture, contrasting(options_.color)), 1, cv::LINE_8);
  }

  TaskEnv env_;
  Options options_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, DrawDetections)

}  // namespace ride::tasks::draw_detections
