// A new brightness for a picture whose colors stay. Pure, one thread. Internal to this folder.
#pragma once

#include <opencv2/core/mat.hpp>

namespace ride::tasks {

// 8-bit pictures. Each of the first three channels of `in` shifts by `changed` - `gray`, cut at 0 and 255; a fourth
// (alpha) stays. In real numbers that is YCrCb with a new Y, without its rounding. `gray` and `changed` have one
// channel, `out` has the type of `in`, all have one size.
void shift_brightness(const cv::Mat& in, const cv::Mat& gray, const cv::Mat& changed, cv::Mat& out);

}  // namespace ride::tasks
