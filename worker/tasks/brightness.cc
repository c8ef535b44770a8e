#include "worker/tasks/brightness.h"

#include <algorithm>
#include <opencv2/core.hpp>
#include <vector>

namespace ride::tasks {

void shift_brightness(const cv::Mat& in, const cv::Mat& gray, const cv::Mat& changed, cv::Mat& out) {
  // In strips that stay in the cache. One of the two differences is 0 in each pixel, both are cut at 0 and 255.
  const int strip = std::max(1, (1 << 15) / in.cols);
  cv::Mat none, shift, up, down;
  for (int top = 0; top < in.rows; top += strip) {
    const cv::Range rows(top, std::min(in.rows, top + strip));
    const cv::Mat before = gray.rowRange(rows), after = changed.rowRange(rows);
    const auto of_each_channel = [&](const cv::Mat& from, const cv::Mat& taken, cv::Mat& spread) {
      cv::subtract(from, taken, shift);
      std::vector<cv::Mat> channels(3, shift);
      if (in.channels() == 4) channels.push_back(none = cv::Mat::zeros(shift.size(), CV_8UC1));
      cv::merge(channels, spread);
    };
    of_each_channel(after, before, up);
    of_each_channel(before, after, down);
    cv::Mat to = out.rowRange(rows);
    cv::add(in.rowRange(rows), up, to);
    cv::subtract(to, down, to);
  }
}

}  // namespace ride::tasks
