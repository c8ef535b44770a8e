#include "chaos/plot.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

namespace ride::chaos {

namespace {

constexpr int kWidth = 1400, kLeft = 110, kRight = 40, kTop = 110, kPanel = 300, kBetween = 90, kBottom = 80;
constexpr int kFont = cv::FONT_HERSHEY_DUPLEX;
const cv::Scalar kInk{40, 40, 40}, kGrid{225, 225, 225};

// A round number of which four to eight make up the range.
double step_of(double range) {
  const double rough = std::max(range, 1e-9) / 6;
  const double ten = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (rough <= factor * ten) return factor * ten;
  return 10 * ten;
}

void text(cv::Mat& image, const std::string& words, cv::Point at, double size, const cv::Scalar& colour,
          bool centred = false) {
  int below = 0;
  const auto extent = cv::getTextSize(words, kFont, size, 1, &below);
  if (centred) at.x -= extent.width / 2;
  cv::putText(image, words, at, kFont, size, colour, 1, cv::LINE_AA);
}

// Along the y axis, from below upwards.
void standing_text(cv::Mat& image, const std::string& words, int x, int middle, double size) {
  int below = 0;
  const auto extent = cv::getTextSize(words, kFont, size, 1, &below);
  cv::Mat lying(extent.height + below + 4, extent.width + 4, CV_8UC3, cv::Scalar(255, 255, 255));
  cv::putText(lying, words, {2, extent.height + 1}, kFont, size, kInk, 1, cv::LINE_AA);
  cv::Mat standing;
  cv::rotate(lying, standing, cv::ROTATE_90_COUNTERCLOCKWISE);
  const int y = std::clamp(middle - standing.rows / 2, 0, image.rows - standing.rows);
  standing.copyTo(image(cv::Rect(x, y, standing.cols, standing.rows)));
}

void dashed(cv::Mat& image, int x, int top, int bottom) {
  for (int y = top; y < bottom; y += 10) cv::line(image, {x, y}, {x, std::min(y + 5, bottom)}, kPlotRed, 1);
}

class Panel {
 public:
  Panel(cv::Mat& image, int top, double seconds, double highest, std::string label)
      : image_(image), top_(top), seconds_(std::max(seconds, 1e-3)), step_(step_of(highest)), label_(std::move(label)) {
    highest_ = step_ * std::ceil(std::max(highest, 1e-9) * 1.05 / step_);
  }
  int x(double second) const {
    return kLeft + static_cast<int>(std::lround(second / seconds_ * (kWidth - kLeft - kRight)));
  }
  int y(double value) const {
    return top_ + kPanel - static_cast<int>(std::lround(std::min(value, highest_) / highest_ * kPanel));
  }

  void axes() {
    for (int i = 0; i * step_ <= highest_ + 1e-9; ++i) {
      const double value = i * step_;
      cv::line(image_, {kLeft, y(value)}, {kWidth - kRight, y(value)}, kGrid, 1);
      const auto words = fmt::format("{:g}", value);
      text(image_, words, {kLeft - 12 - static_cast<int>(words.size()) * 10, y(value) + 5}, 0.5, kInk);
    }
    const double step = step_of(seconds_);
    for (int i = 0; i * step <= seconds_ + 1e-9; ++i) {
      const double second = i * step;
      cv::line(image_, {x(second), top_ + kPanel}, {x(second), top_ + kPanel + 6}, kInk, 1);
      text(image_, fmt::format("{:g}", second), {x(second), top_ + kPanel + 24}, 0.5, kInk, true);
    }
    cv::rectangle(image_, {kLeft, top_}, {kWidth - kRight, top_ + kPanel}, kInk, 1);
    standing_text(image_, label_, 18, top_ + kPanel / 2, 0.6);
    text(image_, "time in s", {(kLeft + kWidth - kRight) / 2, top_ + kPanel + 48}, 0.6, kInk, true);
  }
  void mark(double second) { dashed(image_, x(second), top_, top_ + kPanel); }
  void curve(const Curve& curve) {
    std::vector<cv::Point> points;
    for (const auto& [second, value] : curve.points) points.emplace_back(x(second), y(value));
    if (!points.empty()) cv::polylines(image_, points, false, curve.colour, 2, cv::LINE_AA);
  }
  void legend(const std::vector<Curve>& curves) {
    for (std::size_t i = 0; i < curves.size() && curves.size() > 1; ++i) {
      const int line = top_ + 22 + static_cast<int>(i) * 22;
      cv::line(image_, {kLeft + 14, line - 5}, {kLeft + 44, line - 5}, curves[i].colour, 2, cv::LINE_AA);
      text(image_, curves[i].label, {kLeft + 54, line}, 0.5, kInk);
    }
  }

 private:
  cv::Mat& image_;
  int top_;
  double seconds_, step_, highest_ = 1;
  std::string label_;
};

// Marks that stand close to each other take turns in two rows; where there is no space, the line alone stays.
void labels(cv::Mat& image, const std::vector<PlotMark>& marks, const Panel& panel, int top) {
  std::vector<int> free_from(2, 0);
  for (const auto& mark : marks) {
    if (mark.label.empty()) continue;
    int below = 0;
    const int width = cv::getTextSize(mark.label, kFont, 0.45, 1, &below).width;
    for (std::size_t row = 0; row < free_from.size(); ++row) {
      const int left = std::clamp(panel.x(mark.second) - width / 2, 4, kWidth - width - 4);
      if (left < free_from[row]) continue;
      text(image, mark.label, {left, top - 10 - static_cast<int>(row) * 20}, 0.45, kPlotRed);
      free_from[row] = left + width + 12;
      break;
    }
  }
}

double highest(const PlotPanel& panel) {
  double highest = 1;
  for (const auto& curve : panel.curves)
    for (const auto& [second, value] : curve.points) highest = std::max(highest, value);
  return highest;
}

}  // namespace

cv::Mat plot(const std::string& title, double seconds, const std::vector<PlotPanel>& panels) {
  const int count = static_cast<int>(panels.size());
  cv::Mat image(kTop + count * kPanel + std::max(0, count - 1) * kBetween + kBottom, kWidth, CV_8UC3,
                cv::Scalar(255, 255, 255));
  for (int i = 0; i < count; ++i) {
    const auto& one = panels[static_cast<std::size_t>(i)];
    const int top = kTop + i * (kPanel + kBetween);
    Panel panel(image, top, seconds, highest(one), one.label);
    panel.axes();
    for (const auto& mark : one.marks) panel.mark(mark.second);
    for (const auto& curve : one.curves) panel.curve(curve);
    panel.legend(one.curves);
    labels(image, one.marks, panel, top);
  }
  text(image, title, {kWidth / 2, 38}, 0.8, kInk, true);
  return image;
}

}  // namespace ride::chaos
