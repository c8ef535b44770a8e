#include "worker/tasks/found_boxes.h"

#include <algorithm>
#include <tuple>

namespace ride::tasks {

Detection detection_at(const cv::Rect& box, cv::Size searched, cv::Size full, const std::string& label, double score) {
  const double across = static_cast<double>(full.width) / searched.width;
  const double down = static_cast<double>(full.height) / searched.height;
  const cv::Rect scaled(cvRound(box.x * across), cvRound(box.y * down), cvRound(box.width * across),
                        cvRound(box.height * down));
  const cv::Rect cut = scaled & cv::Rect(cv::Point(0, 0), full);
  return {.label = label,
          .score = score,
          .x = static_cast<double>(cut.x),
          .y = static_cast<double>(cut.y),
          .width = static_cast<double>(cut.width),
          .height = static_cast<double>(cut.height)};
}

void keep_best(std::vector<Detection>& found) {
  std::sort(found.begin(), found.end(), [](const Detection& a, const Detection& b) {
    return std::tuple(-a.score, a.x, a.y, a.width, a.height) < std::tuple(-b.score, b.x, b.y, b.width, b.height);
  });
  if (found.size() > kMaxDetections) found.resize(kMaxDetections);
}

}  // namespace ride::tasks
