// What the tests of detectors share.
#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "tests/tasks/harness.h"
#include "worker/tasks/detections.h"

namespace ride::tasks {

// What a detector finds in a picture; the picture, its encoded bytes and other attributes have to go through untouched.
std::vector<Detection> found_by(const std::string& task, const cv::Mat& picture, const ParamValues& params = {});

cv::Rect2d rect_of(const Detection& found);

// Intersection over union.
double overlap(const cv::Rect2d& a, const cv::Rect2d& b);

}  // namespace ride::tasks
