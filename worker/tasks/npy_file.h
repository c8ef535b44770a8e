// Matrices from NumPy's .npy files (format versions 1 to 3: numpy.org, numpy.lib.format): 2-D, '<f4' or '<f8', rows one
// after the other. Threads: any. Failure: invalid_argument, with the path, the cause and what to do; nothing is
// allocated before the size that the header states agrees with the file's. Internal to this folder.
#pragma once

#include <cstdint>
#include <opencv2/core/mat.hpp>
#include <string>
#include <string_view>

#include "common/result.h"

namespace ride::tasks {

struct NpyHead {
  std::int64_t rows = 0, cols = 0;  // 1..kMostNpySide
  int value_bytes = 4;              // 4 or 8
  std::int64_t data_at = 0;         // where the values begin

  std::int64_t data_bytes() const { return rows * cols * value_bytes; }
};

inline constexpr std::int64_t kMostNpySide = 1 << 20;
inline constexpr std::int64_t kMostNpyBytes = std::int64_t{1} << 30;  // of values, as floats
inline constexpr std::size_t kMostNpyHead = 4096;                     // NumPy writes 128 bytes

// Of the file's first bytes, kMostNpyHead or all that there are. The Error is without a path.
Result<NpyHead> parse_npy_head(std::string_view bytes);

// 32F, one channel. Values of 64 bits are rounded; finite ones that no float can hold are an Error.
Result<cv::Mat> read_npy(const std::string& path);

}  // namespace ride::tasks
