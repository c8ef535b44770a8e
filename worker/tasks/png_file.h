// Small pictures from PNG files that a person names, read with bounds: the header is looked at before anything is
// decoded. PNG only, since what decoding costs follows from its size; a JPEG may have any number of passes. Threads:
// any. Failure: not_found, invalid_argument or corrupt, with the path, the cause and what to do. Internal to this
// folder.
#pragma once

#include <cstdint>
#include <opencv2/core/mat.hpp>
#include <string>
#include <string_view>

#include "common/result.h"

namespace ride::tasks {

inline constexpr std::int64_t kMostPngPixels = 1 << 24;
inline constexpr std::int64_t kMostPngBytes = 64 << 20;

struct PngHead {
  std::int64_t rows = 0, cols = 0;
};

// Of the file's first bytes. The Error is without a path.
Result<PngHead> parse_png_head(std::string_view bytes);

// 8U or 16U with 1, 3 or 4 channels, as the file has it.
Result<cv::Mat> read_png(const std::string& path);

}  // namespace ride::tasks
