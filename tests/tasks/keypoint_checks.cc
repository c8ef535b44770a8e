#include "tests/tasks/keypoint_checks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "common/json.h"

namespace ride::tasks {
namespace {

std::vector<std::uint8_t> from_base64(const std::string& text) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::vector<std::uint8_t> bytes;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    const auto digit = digits.find(c);
    EXPECT_NE(digit, std::string::npos) << text;
    bits = bits << 6 | static_cast<unsigned>(digit);
    count += 6;
    if (count >= 8) bytes.push_back(static_cast<std::uint8_t>(bits >> (count -= 8)));
  }
  return bytes;
}

double median(std::vector<double> values) {
  if (values.empty()) return std::nan("");
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

std::vector<std::size_t> nearest_in(const ReadKeypoints& from, const ReadKeypoints& to, DescriptorDistance distance) {
  std::vector<std::size_t> found;
  for (const ReadPoint& a : from.points) {
    std::size_t best = 0;
    double least = INFINITY;
    for (std::size_t j = 0; j < to.points.size(); ++j) {
      const double d = distance(a.descriptor, to.points[j].descriptor);
      if (d < least) best = j, least = d;
    }
    found.push_back(best);
  }
  return found;
}

}  // namespace

std::string keypoint_text(const std::string& task, ParamValues params, const cv::Mat& image) {
  params["output"] = std::string("data");
  const Frame frame = with_bytes(frame_of(image), {1, 2, 3}, "image/jpeg");
  KeepingEmitter out;
  const auto done = opened(task, params)->process(frame, out);
  EXPECT_TRUE(done) << (done ? "" : done.error().message);
  if (!done) return "{}";
  EXPECT_EQ(out.only().image.data, frame.image.data) << "the picture was replaced";
  EXPECT_TRUE(out.only().encoded);
  EXPECT_EQ(out.only().attributes.at("camera"), "north");
  return out.only().attributes.at("keypoints");
}

ReadKeypoints keypoints_of(const std::string& task, const ParamValues& params, const cv::Mat& image) {
  return read_keypoints(keypoint_text(task, params, image));
}

ReadKeypoints read_keypoints(const std::string& text) {
  const auto json = nlohmann::json::parse(text);
  ReadKeypoints read{.kind = json.at("kind"), .found = json.at("found"), .points = {}};
  for (const auto& point : json.at("points")) {
    ReadPoint one{point.at(0), point.at(1), point.at(2), point.at(3), point.at(4), {}};
    if (point.size() > 5) one.descriptor = from_base64(point.at(5));
    const double before = read.points.empty() ? INFINITY : read.points.back().response;
    EXPECT_GE(before, one.response) << "not the strongest first";
    read.points.push_back(std::move(one));
  }
  EXPECT_GE(read.found, static_cast<std::int64_t>(read.points.size()));
  return read;
}

cv::Mat textured(cv::Size size, int seed) {
  cv::RNG rng(static_cast<std::uint64_t>(seed));
  cv::Mat picture(size, CV_8UC1, cv::Scalar(128));
  const int shapes = size.width * size.height / 300;
  for (int i = 0; i < shapes; ++i) {
    const cv::Point at(rng.uniform(0, size.width), rng.uniform(0, size.height));
    const int reach = 2 + static_cast<int>(30 * std::pow(1.0 - static_cast<double>(i) / shapes, 2));
    const cv::Scalar grey(rng.uniform(0, 256));
    if (i % 2 == 0) {
      cv::circle(picture, at, rng.uniform(1, reach), grey, cv::FILLED);
    } else {
      cv::ellipse(picture, at, cv::Size(rng.uniform(1, reach), rng.uniform(1, reach)), rng.uniform(0, 180), 0,
                  rng.uniform(100, 360), grey, cv::FILLED);
    }
  }
  cv::GaussianBlur(picture, picture, cv::Size(5, 5), 0.8);
  return picture;
}

double differing_bits(const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b) {
  if (a.size() != b.size()) return INFINITY;
  int bits = 0;
  for (std::size_t i = 0; i < a.size(); ++i) bits += std::popcount(static_cast<unsigned>(a[i] ^ b[i]));
  return bits;
}

double squared_distance(const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b) {
  if (a.size() != b.size()) return INFINITY;
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::pow(a[i] - b[i], 2);
  return sum;
}

double squared_distance_signed(const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b) {
  if (a.size() != b.size()) return INFINITY;
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    sum += std::pow(static_cast<std::int8_t>(a[i]) - static_cast<std::int8_t>(b[i]), 2);
  return sum;
}

std::vector<std::pair<std::size_t, std::size_t>> matches(const ReadKeypoints& a, const ReadKeypoints& b,
                                                         DescriptorDistance distance) {
  const auto there = nearest_in(a, b, distance), back = nearest_in(b, a, distance);
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  if (b.points.empty()) return pairs;
  for (std::size_t i = 0; i < there.size(); ++i)
    if (back[there[i]] == i) pairs.emplace_back(i, there[i]);
  return pairs;
}

cv::Point2d moved(const cv::Mat& h, double x, double y) {
  const auto at = [&](int row) { return h.at<double>(row, 0) * x + h.at<double>(row, 1) * y + h.at<double>(row, 2); };
  return {at(0) / at(2), at(1) / at(2)};
}

cv::Mat turn_and_scale(cv::Size size, double degrees, double scale) {
  const double angle = degrees * CV_PI / 180, c = scale * std::cos(angle), s = scale * std::sin(angle);
  const double x = (size.width - 1) / 2.0, y = (size.height - 1) / 2.0;
  return (cv::Mat_<double>(3, 3) << c, -s, x - c * x + s * y, s, c, y - s * x - c * y, 0, 0, 1);
}

TurnResult compare_turned(const FindKeypoints& find, const cv::Mat& in, double degrees, double scale,
                          DescriptorDistance distance) {
  const cv::Mat turn = turn_and_scale(in.size(), degrees, scale);
  cv::Mat turned;
  cv::warpPerspective(in, turned, turn, in.size(), cv::INTER_CUBIC, cv::BORDER_CONSTANT, cv::Scalar(128));
  const ReadKeypoints a = find(in), b = find(turned);
  TurnResult result;
  std::vector<double> angles, sizes;
  for (const auto& [i, j] : matches(a, b, distance)) {
    ++result.matches;
    const ReadPoint &p = a.points[i], &q = b.points[j];
    const cv::Point2d there = moved(turn, p.x, p.y);
    if (std::hypot(there.x - q.x, there.y - q.y) > 2.5) continue;
    ++result.right;
    angles.push_back(std::remainder(q.angle - p.angle - degrees, 360.0));
    sizes.push_back(q.size / p.size);
  }
  result.turned_by = degrees + median(angles);
  result.scaled_by = median(sizes);
  return result;
}

}  // namespace ride::tasks
