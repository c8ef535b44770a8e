// Borders of the kind reflect101 (… 2 1 | 0 1 2 …) for kernels that read rows by themselves. Pure. Internal to this
// folder.
#pragma once

#include <cstddef>
#include <opencv2/core.hpp>

namespace ride::tasks {

// The row or column inside the picture that stands for `position`; `length` is above 0.
inline int mirrored(int position, int length) {
  return cv::borderInterpolate(position, length, cv::BORDER_REFLECT_101);
}

// Fills the `radius` pixels before and behind a row of `cols` pixels, whose memory they are part of.
template <class Value>
void mirror_ends(Value* row, int cols, int channels, int radius) {
  const auto fill = [&](int x) {
    const std::ptrdiff_t from = static_cast<std::ptrdiff_t>(mirrored(x, cols)) * channels;
    for (int c = 0; c < channels; ++c) row[static_cast<std::ptrdiff_t>(x) * channels + c] = row[from + c];
  };
  for (int x = -radius; x < 0; ++x) fill(x);
  for (int x = cols; x < cols + radius; ++x) fill(x);
}

}  // namespace ride::tasks
