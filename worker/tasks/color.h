// Colors written as #rrggbb, for tasks that draw or fill. Pure. Internal to this folder.
#pragma once

#include <opencv2/core/mat.hpp>
#include <string>

namespace ride::tasks {

// `color`: checked by hex_color (shared_params.h). As a pixel of this picture: in the value range of its depth, its
// brightness where it has one channel, alpha full.
cv::Scalar color_in(const cv::Mat& picture, const std::string& color);

double brightness_of(const std::string& color);     // 0 to 255, ITU-R BT.601
const char* contrasting(const std::string& color);  // black or white, what is easier to see beside it

}  // namespace ride::tasks
