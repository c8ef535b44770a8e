// Pictures that a run leaves in files: written whole or not at all. Threads: any.
#pragma once

#include <filesystem>
#include <opencv2/core/mat.hpp>

#include "common/result.h"

namespace ride::test_runner {

// unsupported: pictures are not written with this ending.
Result<void> check_ending(const std::filesystem::path& file);

// In the format of the file's ending; its folder is made. unsupported: that format does not hold it, and which do.
Result<void> write_picture(const std::filesystem::path& file, const cv::Mat& picture);

// For expected pictures. unsupported: a file of this ending would not hold these pixels as they are, or tests do not
// compare them.
Result<void> check_keeps_pixels(const std::filesystem::path& file, const cv::Mat& picture);

}  // namespace ride::test_runner
