#include "worker/tasks/brightness.h"

#include <algorithm>

namespace ride::tasks {

void shift_brightness(const cv::Mat& in, const cv::Mat& gray, const cv::Mat& changed, cv::Mat& out) {
  const std::size_t channels = in.channels();
  for (int y = 0; y < in.rows; ++y) {
    const std::uint8_t *from = in.ptr(y), *before = gray.ptr(y), *after = changed.ptr(y);
    std::uint8_t* to = out.ptr(y);
    for (int x = 0; x < in.cols; ++x, from += channels, to += channels) {
      const int shift = after[x] - before[x];
      for (int c = 0; c < 3; ++c) to[c] = static_cast<std::uint8_t>(std::clamp(from[c] + shift, 0, 255));
      if (channels == 4) to[3] = from[3];
    }
  }
}

}  // namespace ride::tasks
