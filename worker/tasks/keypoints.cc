#include "worker/tasks/keypoints.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <opencv2/imgproc.hpp>
#include <utility>

#include "worker/tasks/color.h"
#include "worker/tasks/picture.h"

namespace ride::tasks {
namespace {

std::string base64(const std::vector<std::uint8_t>& bytes) {
  constexpr const char* kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t k) { return i + k < bytes.size() ? static_cast<unsigned>(bytes[i + k]) : 0u; };
    const unsigned three = byte(0) << 16 | byte(1) << 8 | byte(2);
    for (int k = 0; k < 4; ++k) {
      text += i + k <= bytes.size() ? kDigits[three >> (18 - 6 * k) & 63] : '=';
    }
  }
  return text;
}

// Rounded to `decimals` digits after the point, of which those at the end that are 0 are left out: as {:.8g} has it, in
// integers, since most of what writing points takes would be this.
void append_rounded(double value, int decimals, std::string& text) {
  const int steps = decimals == 1 ? 10 : 100;
  if (!(value >= 0 && value < 1e6)) {
    fmt::format_to(std::back_inserter(text), "{:.8g}", std::round(value * steps) / steps);
    return;
  }
  const auto number = static_cast<std::int64_t>(std::round(value * steps));
  const fmt::format_int whole(number / steps);
  text.append(whole.data(), whole.size());
  int rest = static_cast<int>(number % steps);
  if (rest == 0) return;
  text += '.';
  for (int step = steps / 10; rest > 0; step /= 10) {
    text += static_cast<char>('0' + rest / step);
    rest %= step;
  }
}

std::string point_text(const Keypoint& p) {
  std::string text;
  char before = '[';
  for (const auto& [value, decimals] : {std::pair<double, int>{p.x, 2}, {p.y, 2}, {p.size, 2}, {p.angle, 1}}) {
    text += before;
    append_rounded(value, decimals, text);
    before = ',';
  }
  fmt::format_to(std::back_inserter(text), ",{:.6g}", p.response);
  if (!p.descriptor.empty()) text += ",\"" + base64(p.descriptor) + '"';
  return text + ']';
}

}  // namespace

std::string keypoints_to_json(const std::string& kind, const FoundKeypoints& keypoints) {
  std::string text = fmt::format(R"({{"kind":"{}","found":{},"points":[)", kind, keypoints.found);
  bool first = true;
  for (const Keypoint& point : keypoints.points) {
    const std::string one = (first ? "" : ",") + point_text(point);
    if (text.size() + one.size() + 2 > kMostKeypointText) break;
    text += one;
    first = false;
  }
  return text + "]}";
}

void draw_keypoints(const FoundKeypoints& keypoints, const std::string& color, cv::Mat& picture) {
  const cv::Scalar ink = color_in(picture, color);
  for (auto it = keypoints.points.rbegin(); it != keypoints.points.rend(); ++it) {
    const cv::Point middle(cvRound(it->x), cvRound(it->y));
    const double radius = it->size / 2;
    cv::circle(picture, middle, std::max(1, cvRound(radius)), ink, 1, cv::LINE_8);
    if (it->angle < 0) continue;
    const double angle = it->angle * CV_PI / 180;
    const cv::Point end(cvRound(it->x + radius * std::cos(angle)), cvRound(it->y + radius * std::sin(angle)));
    cv::line(picture, middle, end, ink, 1, cv::LINE_8);
  }
}

void emit_keypoints(const Frame& frame, const std::string& kind, const FoundKeypoints& keypoints, bool draw,
                    const std::string& color, Emitter& out) {
  if (draw) {
    cv::Mat picture = out.allocate(frame.image.rows, frame.image.cols, frame.image.type());
    frame.image.copyTo(picture);
    draw_keypoints(keypoints, color, picture);
    out.emit(with_image(frame, std::move(picture)));
    return;
  }
  Frame found = frame;
  found.attributes[kKeypointsAttribute] = keypoints_to_json(kind, keypoints);
  out.emit(std::move(found));
}

}  // namespace ride::tasks
