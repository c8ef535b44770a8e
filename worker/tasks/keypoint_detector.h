// ORB, SIFT, AKAZE and FAST as OpenCV has them, for pictures of one tile. One thread. Internal to this folder.
#pragma once

#include <memory>
#include <opencv2/core/mat.hpp>
#include <string>
#include <vector>

#include "worker/tasks/keypoints.h"

namespace cv {
class Feature2D;
}

namespace ride::tasks {

struct KeypointSearch {
  std::string kind = "orb";  // "akaze", "fast", "orb", "sift"
  int max_features = 500;
  int fast_threshold = 20;
  double sift_threshold = 0.04;
  double akaze_threshold = 0.001;
  bool descriptors = false;
};

class KeypointDetector {
 public:
  explicit KeypointDetector(const KeypointSearch& search);

  // How large a tile is (picture_tiles.h), so that its points come out as in the whole picture and it takes memory
  // within a bound: 0.3 GB for ORB and FAST, 1 GB for SIFT and AKAZE.
  int side() const;
  int halo() const;
  bool tiles_agree() const { return search_.kind == "fast"; }  // to the bit, where they overlap

  // In an 8-bit picture of one channel, in any order. Empty where the picture is too small for the kind. Throws
  // cv::Exception.
  std::vector<Keypoint> find(const cv::Mat& gray) const;

 private:
  KeypointSearch search_;
  std::shared_ptr<cv::Feature2D> detector_;
};

}  // namespace ride::tasks
