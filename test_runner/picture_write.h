// Pictures that a run leaves in files: written whole or not at all. Threads: any.
#pragma once

#include <filesystem>
#include <opencv2/core/mat.hpp>

#include "common/result.h"

namespace ride::test_runner {

// In the format of the file's ending; its folder is made. unsupported: it cannot be written so.
Result<void> write_picture(const std::filesystem::path& file, const cv::Mat& picture);

// unsupported: a file of this ending would not hold these pixels as they are.
Result<void> check_keeps_pixels(const std::filesystem::path& file, const cv::Mat& picture);

}  // namespace ride::test_runner
