#include "tests/tasks/found_objects.h"

#include <gtest/gtest.h>

namespace ride::tasks {

std::vector<Detection> found_by(const std::string& task, const cv::Mat& picture, const ParamValues& params) {
  auto detector = opened(task, params);
  KeepingEmitter out;
  const Frame frame = with_bytes(frame_of(picture), {1, 2, 3}, "image/jpeg");
  EXPECT_TRUE(detector->process(frame, out));
  EXPECT_EQ(out.only().image.data, frame.image.data) << "the picture was replaced";
  EXPECT_TRUE(out.only().encoded);
  EXPECT_EQ(out.only().attributes.at("camera"), "north");
  return detections_from_json(out.only().attributes.at(kDetectionsAttribute)).value();
}

cv::Rect2d rect_of(const Detection& found) { return {found.x, found.y, found.width, found.height}; }

double overlap(const cv::Rect2d& a, const cv::Rect2d& b) {
  const double both = (a & b).area();
  return both / (a.area() + b.area() - both);
}

}  // namespace ride::tasks
