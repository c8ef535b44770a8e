#include "bench/size_plot.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/imgproc.hpp>

namespace ride::bench {
namespace {

constexpr int kWidth = 1400, kHeight = 800, kLeft = 120, kRight = 40, kTop = 90, kBottom = 90;
constexpr int kFont = cv::FONT_HERSHEY_DUPLEX;
const cv::Scalar kInk{40, 40, 40}, kGrid{225, 225, 225};
const std::array<cv::Scalar, 4> kColours = {cv::Scalar(170, 90, 20), cv::Scalar(50, 130, 40), cv::Scalar(60, 60, 200),
                                            cv::Scalar(160, 40, 150)};

// From one power of ten to another, at least one apart.
struct Axis {
  int low = 0, high = 1;

  explicit Axis(const std::vector<double>& values) {
    if (values.empty()) return;
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    low = static_cast<int>(std::floor(std::log10(*least)));
    high = std::max(low + 1, static_cast<int>(std::ceil(std::log10(*most))));
  }
  double share(double value) const { return (std::log10(value) - low) / (high - low); }
};

void put(cv::Mat& image, const std::string& words, cv::Point at, double size, const cv::Scalar& colour = kInk) {
  cv::putText(image, words, at, kFont, size, colour, 1, cv::LINE_AA);
}

class SizeCanvas {
 public:
  SizeCanvas(const std::vector<double>& sizes, const std::vector<double>& times)
      : image_(kHeight, kWidth, CV_8UC3, cv::Scalar(255, 255, 255)), x_(sizes), y_(times) {}

  cv::Point at(double size, double time) const {
    return {kLeft + static_cast<int>(std::lround(x_.share(size) * (kWidth - kLeft - kRight))),
            kHeight - kBottom - static_cast<int>(std::lround(y_.share(time) * (kHeight - kTop - kBottom)))};
  }
  void axes() {
    for (int power = x_.low; power <= x_.high; ++power) {
      const auto foot = at(std::pow(10, power), std::pow(10, y_.low));
      cv::line(image_, foot, {foot.x, kTop}, kGrid);
      put(image_, fmt::format("{:g}", std::pow(10, power)), {foot.x - 16, foot.y + 26}, 0.5);
    }
    for (int power = y_.low; power <= y_.high; ++power) {
      const auto side = at(std::pow(10, x_.low), std::pow(10, power));
      cv::line(image_, side, {kWidth - kRight, side.y}, kGrid);
      put(image_, fmt::format("{:g}", std::pow(10, power)), {side.x - 80, side.y + 5}, 0.5);
    }
    cv::rectangle(image_, {kLeft, kTop}, {kWidth - kRight, kHeight - kBottom}, kInk);
    put(image_, "megapixels", {kWidth / 2 - 50, kHeight - 30}, 0.6);
    put(image_, "milliseconds", {12, kTop - 20}, 0.6);
  }
  void curve(const SizeCurve& curve, const cv::Scalar& colour, int row) {
    std::vector<cv::Point> points;
    for (const auto& [size, time] : curve.points) points.push_back(at(size, time));
    cv::polylines(image_, points, false, colour, 2, cv::LINE_AA);
    for (const auto& point : points) cv::circle(image_, point, 4, colour, cv::FILLED, cv::LINE_AA);
    note(curve.label, colour, row);
  }
  void note(const std::string& words, const cv::Scalar& colour, int row) {
    const int y = kTop + 26 + 24 * row;
    cv::line(image_, {kLeft + 16, y - 5}, {kLeft + 46, y - 5}, colour, 2, cv::LINE_AA);
    put(image_, words, {kLeft + 56, y}, 0.5);
  }
  void title(const std::string& words) { put(image_, words, {kLeft, 40}, 0.8); }
  cv::Mat image() const { return image_; }

 private:
  cv::Mat image_;
  Axis x_, y_;
};

}  // namespace

cv::Mat plot_sizes(const std::string& title, const std::string& gpu, const std::vector<SizeCurve>& curves) {
  std::vector<double> sizes, times;
  for (const auto& curve : curves)
    for (const auto& [size, time] : curve.points) {
      sizes.push_back(size);
      times.push_back(time);
    }
  SizeCanvas canvas(sizes, times);
  canvas.axes();
  canvas.title(title);
  int row = 0;
  for (const auto& curve : curves) {
    canvas.curve(curve, kColours[static_cast<std::size_t>(row) % kColours.size()], row);
    ++row;
  }
  canvas.note("GPU: " + gpu, kGrid, row);
  return canvas.image();
}

}  // namespace ride::bench
