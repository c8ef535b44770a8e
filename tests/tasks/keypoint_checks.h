// What the tests of keypoints share: the attribute read back, pictures with texture, matches by brute force.
#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "tests/tasks/harness.h"

namespace ride::tasks {

struct ReadPoint {
  double x = 0, y = 0, size = 0, angle = 0, response = 0;
  std::vector<std::uint8_t> descriptor;
  bool operator==(const ReadPoint&) const = default;
};

struct ReadKeypoints {
  std::string kind;
  std::int64_t found = 0;
  std::vector<ReadPoint> points;
};

// What the task says of the picture with output: data. The test fails unless the picture passes unchanged.
std::string keypoint_text(const std::string& task, ParamValues params, const cv::Mat& image);
ReadKeypoints read_keypoints(const std::string& text);
ReadKeypoints keypoints_of(const std::string& task, const ParamValues& params, const cv::Mat& image);

// Blobs and bars of all sizes and grey levels, with soft edges.
cv::Mat textured(cv::Size size, int seed);

// Pairs (index in a, index in b) that are nearest to one another; distance(descriptor, descriptor).
using DescriptorDistance = double (*)(const std::vector<std::uint8_t>&, const std::vector<std::uint8_t>&);
double differing_bits(const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b);
double squared_distance(const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b);         // of 0..255
double squared_distance_signed(const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b);  // -127..127
std::vector<std::pair<std::size_t, std::size_t>> matches(const ReadKeypoints& a, const ReadKeypoints& b,
                                                         DescriptorDistance distance);

// Where a homography (3x3, 64F) puts a point.
cv::Point2d moved(const cv::Mat& homography, double x, double y);

// A turn by so many degrees (x towards y) about the middle of a picture, and a scale.
cv::Mat turn_and_scale(cv::Size size, double degrees, double scale);

// Matches of the points of `in` and of `in` as the turn puts it.
struct TurnResult {
  std::size_t matches = 0;
  std::size_t right = 0;  // within 2.5 pixels of where the turn puts the point
  double turned_by = 0;   // the median change of the angle of those, in degrees
  double scaled_by = 0;   // the median change of the size
};
using FindKeypoints = std::function<ReadKeypoints(const cv::Mat&)>;
TurnResult compare_turned(const FindKeypoints& find, const cv::Mat& in, double degrees, double scale,
                          DescriptorDistance distance);

}  // namespace ride::tasks
