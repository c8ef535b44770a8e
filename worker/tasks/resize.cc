// resize: 8U, 16U or 32F, 1 to 4 channels, to a wanted size. 32F may leave 0..1 a little with cubic interpolation.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "worker/tasks/picture.h"
#include "worker/tasks/registry.h"

namespace ride::tasks {
namespace {

// A picture larger than this is a slip in the topology rather than a wish, and would take the worker's memory.
constexpr double kMaxPixels = 2e9;

int interpolation_of(const std::string& name) {
  if (name == "nearest") return cv::INTER_NEAREST;
  if (name == "area") return cv::INTER_AREA;
  if (name == "cubic") return cv::INTER_CUBIC;
  return cv::INTER_LINEAR;
}

class Resize : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    width_ = static_cast<double>(get_int(env.params, "width"));
    height_ = static_cast<double>(get_int(env.params, "height"));
    scale_ = get_number(env.params, "scale");
    interpolation_ = interpolation_of(get_string(env.params, "interpolation"));
    keep_aspect_ = get_bool(env.params, "keep_aspect");
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    if (auto fit = expect_picture(env_, frame, {CV_8U, CV_16U, CV_32F}, {1, 2, 3, 4}); !fit) return fit;
    const cv::Mat& in = frame.image;
    const auto [width, height] = wanted(in.cols, in.rows);
    if (width * height > kMaxPixels) {
      return Error{ErrorCode::resource_exhausted,
                   fmt::format("{}: {} would become {}x{}, more than {:.0f} pixels; ask for a smaller size",
                               place(env_, frame), shape_text(in), width, height, kMaxPixels)};
    }
    const cv::Size size(static_cast<int>(width), static_cast<int>(height));
    if (size == in.size()) {
      out.emit(frame);
      return {};
    }
    cv::Mat resized = out.allocate(size.height, size.width, in.type());
    cv::resize(in, resized, size, 0, 0, interpolation_);
    out.emit(with_image(frame, std::move(resized)));
    return {};
  }

 private:
  std::pair<double, double> wanted(double cols, double rows) const {
    const auto side = [](double length) { return std::max(1.0, std::round(length)); };
    if (scale_ > 0) return {side(cols * scale_), side(rows * scale_)};
    if (width_ > 0 && height_ > 0 && !keep_aspect_) return {width_, height_};
    const double by_width = width_ / cols, by_height = height_ / rows;
    const double factor = height_ == 0 ? by_width : width_ == 0 ? by_height : std::min(by_width, by_height);
    return {side(cols * factor), side(rows * factor)};
  }

  TaskEnv env_;
  double width_ = 0, height_ = 0, scale_ = 0;
  int interpolation_ = cv::INTER_LINEAR;
  bool keep_aspect_ = true;
};

}  // namespace

std::unique_ptr<Task> make_resize() { return std::make_unique<Resize>(); }

}  // namespace ride::tasks
