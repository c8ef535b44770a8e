// Detector: pictures in, named boxes out; what the task `detect` is made of. Owner: one task. Threads: the one that
// opened it. Failure: open() names the file and the cause; find() fails where the network gives what its kind has not,
// and throws what OpenCV throws.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/result.h"
#include "worker/tasks/detect_decode.h"
#include "worker/tasks/detect_network.h"
#include "worker/tasks/detections.h"

namespace ride::tasks {

struct DetectorPlan {
  NetworkPlan network;
  NetKind kind = NetKind::ssd;
  std::string labels;                // a list (detect_labels.h); empty: classes are named by their numbers
  std::vector<std::string> classes;  // labels that are kept; empty: all
  double threshold = 0.3;            // least score
  double nms = 0.5;                  // overlap above which the lesser box of a class is left out
};

class Detector {
 public:
  static Result<std::unique_ptr<Detector>> open(const DetectorPlan& plan);

  // `image`: 8U, 16U or 32F, 1, 3 or 4 channels, not empty. Best first, in whole pixels of the picture.
  Result<std::vector<Detection>> find(const cv::Mat& image);

 private:
  explicit Detector(const DetectorPlan& plan) : plan_(plan) {}
  Result<void> fit_labels();
  Result<void> check_wanted() const;
  Result<int> class_count(const std::vector<cv::Mat>& outputs) const;
  YoloForm yolo_form(const std::vector<cv::Mat>& outputs) const;
  Result<std::vector<NetBox>> decode(const std::vector<cv::Mat>& outputs) const;
  cv::Mat shrunk(const cv::Mat& image);
  Result<std::string> label_of(int class_id) const;

  DetectorPlan plan_;
  std::shared_ptr<Network> network_;
  std::vector<std::string> labels_;
  int first_label_ = 0;  // the class that the first label names
  std::set<std::string> wanted_;
  cv::Mat resized_, eight_bit_, colored_;
};

}  // namespace ride::tasks
