#include "chaos/figure.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

namespace ride::chaos {

namespace {

constexpr int kWidth = 1400, kLeft = 110, kRight = 40, kTop = 110, kPanel = 300, kBetween = 90, kBottom = 80;
constexpr int kHeight = kTop + 2 * kPanel + kBetween + kBottom;
constexpr int kFont = cv::FONT_HERSHEY_DUPLEX;
const cv::Scalar kInk{40, 40, 40}, kGrid{225, 225, 225}, kFault{60, 60, 200}, kRate{170, 90, 20}, kLate{50, 130, 40};

// A round number of which four to eight make up the range.
double step_of(double range) {
  const double rough = std::max(range, 1e-9) / 6;
  const double ten = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (rough <= factor * ten) return factor * ten;
  return 10 * ten;
}

void text(cv::Mat& image, const std::string& words, cv::Point at, double size, const cv::Scalar& colour, bool centred = false) {
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
  for (int y = top; y < bottom; y += 10) cv::line(image, {x, y}, {x, std::min(y + 5, bottom)}, kFault, 1);
}

class Panel {
 public:
  Panel(cv::Mat& image, int top, double seconds, double highest, std::string label)
      : image_(image), top_(top), seconds_(std::max(seconds, 1e-3)), step_(step_of(highest)), label_(std::move(label)) {
    highest_ = step_ * std::ceil(std::max(highest, 1e-9) * 1.05 / step_);
  }
  int x(double second) const { return kLeft + static_cast<int>(std::lround(second / seconds_ * (kWidth - kLeft - kRight))); }
  int y(double value) const { return top_ + kPanel - static_cast<int>(std::lround(std::min(value, highest_) / highest_ * kPanel)); }

  void axes() {
    for (double value = 0; value <= highest_ + 1e-9; value += step_) {
      cv::line(image_, {kLeft, y(value)}, {kWidth - kRight, y(value)}, kGrid, 1);
      const auto words = fmt::format("{:g}", value);
      text(image_, words, {kLeft - 12 - static_cast<int>(words.size()) * 10, y(value) + 5}, 0.5, kInk);
    }
    const double step = step_of(seconds_);
    for (double second = 0; second <= seconds_ + 1e-9; second += step) {
      cv::line(image_, {x(second), top_ + kPanel}, {x(second), top_ + kPanel + 6}, kInk, 1);
      text(image_, fmt::format("{:g}", second), {x(second), top_ + kPanel + 24}, 0.5, kInk, true);
    }
    cv::rectangle(image_, {kLeft, top_}, {kWidth - kRight, top_ + kPanel}, kInk, 1);
    standing_text(image_, label_, 18, top_ + kPanel / 2, 0.6);
    text(image_, "time in s", {(kLeft + kWidth - kRight) / 2, top_ + kPanel + 48}, 0.6, kInk, true);
  }
  void mark(double second) { dashed(image_, x(second), top_, top_ + kPanel); }
  void curve(const std::vector<Slice>& slices, double length, const cv::Scalar& colour,
             const std::function<double(const Slice&)>& value) {
    std::vector<cv::Point> points;
    for (const auto& slice : slices) points.emplace_back(x(slice.begin_s + length / 2), y(value(slice)));
    if (!points.empty()) cv::polylines(image_, points, false, colour, 2, cv::LINE_AA);
  }

 private:
  cv::Mat& image_;
  int top_;
  double seconds_, step_, highest_ = 1;
  std::string label_;
};

// Marks that stand close to each other take turns in two rows; where there is no room, the line alone stays.
void labels(cv::Mat& image, const Course& course, const Panel& panel) {
  std::vector<int> free_from(2, 0);
  for (const auto& mark : course.marks) {
    const int x = panel.x(std::chrono::duration<double>(mark.at - course.begin).count());
    int below = 0;
    const int width = cv::getTextSize(mark.label, kFont, 0.45, 1, &below).width;
    for (std::size_t row = 0; row < free_from.size(); ++row) {
      const int left = std::clamp(x - width / 2, 4, kWidth - width - 4);
      if (left < free_from[row]) continue;
      text(image, mark.label, {left, kTop - 10 - static_cast<int>(row) * 20}, 0.45, kFault);
      free_from[row] = left + width + 12;
      break;
    }
  }
}

}  // namespace

cv::Mat draw(const Course& course, const std::string& title) {
  cv::Mat image(kHeight, kWidth, CV_8UC3, cv::Scalar(255, 255, 255));
  const double length = std::chrono::duration<double>(course.width).count();
  double most = 1, latest = 1;
  for (const auto& slice : course.slices) {
    most = std::max(most, slice.frames_per_second);
    latest = std::max(latest, slice.worst_late_ms);
  }
  const double seconds = std::chrono::duration<double>(course.end - course.begin).count();
  Panel rate(image, kTop, seconds, most, "frames processed per s");
  Panel late(image, kTop + kPanel + kBetween, seconds, latest, "capture to result, ms");
  rate.axes();
  late.axes();
  for (const auto& mark : course.marks) {
    const double second = std::chrono::duration<double>(mark.at - course.begin).count();
    if (second < 0 || second > seconds) continue;
    rate.mark(second);
    late.mark(second);
  }
  rate.curve(course.slices, length, kRate, [](const Slice& one) { return one.frames_per_second; });
  late.curve(course.slices, length, kLate, [](const Slice& one) { return one.worst_late_ms; });
  labels(image, course, rate);
  text(image, title, {kWidth / 2, 38}, 0.8, kInk, true);
  return image;
}

Result<void> write_figure(const Course& course, const std::string& title, const std::filesystem::path& folder,
                          const std::string& name) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) return Error{ErrorCode::permission, "cannot make the folder " + folder.string() + ": " + failed.message()};
  std::ofstream csv(folder / (name + ".csv"));
  csv << to_csv(course);
  csv.close();
  const auto picture = folder / (name + ".png");
  bool written = false;
  try {
    written = cv::imwrite(picture.string(), draw(course, title));
  } catch (const cv::Exception& error) {
    return Error{ErrorCode::internal, "cannot write " + picture.string() + ": " + error.what()};
  }
  if (!csv || !written) return Error{ErrorCode::permission, "cannot write " + picture.string() + " and its table"};
  return {};
}

}  // namespace ride::chaos
