#include "worker/tasks/color.h"

namespace ride::tasks {
namespace {

// 0 to 255 in the value range of a depth.
double in_range_of(int depth, double value) {
  return depth == CV_16U ? value * 257 : depth == CV_32F ? value / 255 : value;
}

double part(const std::string& color, std::size_t at) { return std::stoi(color.substr(at, 2), nullptr, 16); }

}  // namespace

double brightness_of(const std::string& color) {
  return 0.114 * part(color, 5) + 0.587 * part(color, 3) + 0.299 * part(color, 1);
}

const char* contrasting(const std::string& color) { return brightness_of(color) < 128 ? "#ffffff" : "#000000"; }

cv::Scalar color_in(const cv::Mat& picture, const std::string& color) {
  const auto value = [&](double v) { return in_range_of(picture.depth(), v); };
  if (picture.channels() == 1) return cv::Scalar(value(brightness_of(color)));
  return {value(part(color, 5)), value(part(color, 3)), value(part(color, 1)), value(255)};
}

}  // namespace ride::tasks
