// What OpenCV's detectors return, as detections. Pure. Internal to this folder.
#pragma once

#include <opencv2/core/types.hpp>
#include <string>
#include <vector>

#include "worker/tasks/detections.h"

namespace ride::tasks {

// A box that was found in a picture of the size `searched`, in whole pixels of the full picture, cut to it.
Detection detection_at(const cv::Rect& box, cv::Size searched, cv::Size full, const std::string& label, double score);

// Best first, then by place, since a detector's threads add in any order; at most kMaxDetections.
void keep_best(std::vector<Detection>& found);

}  // namespace ride::tasks
