#include "worker/tasks/keypoint_detector.h"

#include <algorithm>
#include <opencv2/features2d.hpp>

#include "worker/tasks/picture.h"

namespace ride::tasks {
namespace {

// ORB looks at no pixel nearer than this to the side of a level of its pyramid.
constexpr int kOrbBorder = 31;

cv::Ptr<cv::Feature2D> make_detector(const KeypointSearch& search) {
  if (search.kind == "sift") return cv::SIFT::create(0, 3, search.sift_threshold, 10, 1.6, CV_8U);
  if (search.kind == "akaze") {
    return cv::AKAZE::create(cv::AKAZE::DESCRIPTOR_MLDB, 0, 3, static_cast<float>(search.akaze_threshold));
  }
  if (search.kind == "fast") return cv::FastFeatureDetector::create(search.fast_threshold);
  return cv::ORB::create(search.max_features, 1.2f, 8, kOrbBorder, 0, 2, cv::ORB::HARRIS_SCORE, 31,
                         search.fast_threshold);
}

// The smallest side in which a kind finds anything; OpenCV's pyramids fail for some of the smaller ones.
int smallest(const std::string& kind) {
  if (kind == "orb") return 2 * kOrbBorder + 1;
  return kind == "fast" ? 7 : 16;
}

}  // namespace

KeypointDetector::KeypointDetector(const KeypointSearch& search) : search_(search), detector_(make_detector(search)) {}

int KeypointDetector::side() const { return search_.kind == "orb" ? 4096 : 2048; }

// FAST: a circle of radius 3 and one pixel around it. ORB: its border at the smallest of 8 levels, 31 * 1.2^7 = 111.
// SIFT, AKAZE: what points of up to about 50 pixels look at.
int KeypointDetector::halo() const { return search_.kind == "fast" ? 64 : search_.kind == "orb" ? 192 : 256; }

std::vector<Keypoint> KeypointDetector::find(const cv::Mat& gray) const {
  if (std::min(gray.rows, gray.cols) < smallest(search_.kind)) return {};
  const cv::Mat view = isolated(gray);
  std::vector<cv::KeyPoint> points;
  cv::Mat descriptors;
  if (search_.descriptors)
    detector_->detectAndCompute(view, cv::noArray(), points, descriptors);
  else
    detector_->detect(view, points);
  std::vector<Keypoint> found;
  found.reserve(points.size());
  for (std::size_t i = 0; i < points.size(); ++i) {
    const cv::KeyPoint& p = points[i];
    Keypoint one{.x = p.pt.x, .y = p.pt.y, .size = p.size, .angle = p.angle, .response = p.response};
    if (!descriptors.empty()) {
      const auto* row = descriptors.ptr<std::uint8_t>(static_cast<int>(i));
      one.descriptor.assign(row, row + descriptors.cols);
    }
    found.push_back(std::move(one));
  }
  return found;
}

}  // namespace ride::tasks
