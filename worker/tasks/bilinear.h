// A value between pixels: bilinear interpolation, in floats, of pictures of 8U, 16U and 32F with 1 to 4 channels.
// Positions are doubles, 0 the middle of the first pixel; outside the picture lies a color. Within 1 of the definition
// (8U, 16U) or 1e-5 (32F); NaN reaches what is interpolated from it. For whole pictures: warp.h. Pure. Internal to this
// folder.
#pragma once

#include <array>
#include <opencv2/core.hpp>

#include "worker/tasks/nearest.h"

namespace ride::tasks {

template <class Value, int Channels>
class Bilinear {
 public:
  Bilinear(const cv::Mat& in, const cv::Scalar& outside) : in_(in) {
    for (int c = 0; c < Channels; ++c) outside_[c] = static_cast<float>(outside[c]);
  }

  // Any numbers, NaN and infinities, too. `to`: Channels values.
  void at(double x, double y, Value* to) const {
    if (!(x > -1 && y > -1 && x < in_.cols && y < in_.rows)) {
      for (int c = 0; c < Channels; ++c) to[c] = rounded(outside_[c]);
      return;
    }
    // From -1 on: the cast of the sum, which is not negative, rounds down.
    const int left = static_cast<int>(x + 1) - 1, top = static_cast<int>(y + 1) - 1;
    const float right_share = static_cast<float>(x - left), lower_share = static_cast<float>(y - top);
    const bool inside = left >= 0 && top >= 0 && left + 1 < in_.cols && top + 1 < in_.rows;
    if (!inside) return at_edge(left, top, right_share, lower_share, to);
    const Value* upper = in_.ptr<Value>(top) + static_cast<std::size_t>(left) * Channels;
    const Value* lower = in_.ptr<Value>(top + 1) + static_cast<std::size_t>(left) * Channels;
    for (int c = 0; c < Channels; ++c)
      to[c] = between(upper[c], upper[Channels + c], lower[c], lower[Channels + c], right_share, lower_share);
  }

 private:
  static Value rounded(float value) {
    if constexpr (std::is_floating_point_v<Value>)
      return value;
    else
      return nearest<Value>(value);  // a mean of values: within their range
  }

  static Value between(float a, float b, float c, float d, float right, float lower) {
    return rounded((1 - lower) * ((1 - right) * a + right * b) + lower * ((1 - right) * c + right * d));
  }

  void at_edge(int left, int top, float right, float lower, Value* to) const {
    const auto value = [&](int row, int col, int c) -> float {
      const bool inside = row >= 0 && col >= 0 && row < in_.rows && col < in_.cols;
      return inside ? in_.ptr<Value>(row)[static_cast<std::size_t>(col) * Channels + c] : outside_[c];
    };
    for (int c = 0; c < Channels; ++c)
      to[c] = between(value(top, left, c), value(top, left + 1, c), value(top + 1, left, c),
                      value(top + 1, left + 1, c), right, lower);
  }

  const cv::Mat& in_;
  std::array<float, Channels> outside_{};
};

// work(Bilinear<…>) for the picture's depth (8U, 16U, 32F) and channels (1 to 4).
template <class Work>
void with_bilinear(const cv::Mat& in, const cv::Scalar& outside, const Work& work) {
  const auto of_depth = [&]<class Value>(Value /*depth*/) {
    switch (in.channels()) {
      case 1:
        return work(Bilinear<Value, 1>(in, outside));
      case 2:
        return work(Bilinear<Value, 2>(in, outside));
      case 3:
        return work(Bilinear<Value, 3>(in, outside));
      default:
        return work(Bilinear<Value, 4>(in, outside));
    }
  };
  if (in.depth() == CV_8U) return of_depth(std::uint8_t{});
  if (in.depth() == CV_16U) return of_depth(std::uint16_t{});
  of_depth(0.0f);
}

}  // namespace ride::tasks
