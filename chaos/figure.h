// Draws a timeline as a picture with axes and words: frames per second over time above, lateness below, faults as
// dashed lines. Threads: any. Failure: a file that cannot be written is an Error with its path.
#pragma once

#include <filesystem>
#include <opencv2/core/mat.hpp>
#include <string>

#include "chaos/core/timeline.h"
#include "common/result.h"

namespace ride::chaos {

cv::Mat draw(const Timeline& timeline, const std::string& title);  // 8-bit BGR

// Each makes its file, the table its folder, too.
Result<void> write_picture(const cv::Mat& picture, const std::filesystem::path& file);
Result<void> write_table(const std::string& csv, const std::filesystem::path& file);
// Writes <folder>/<name>.png and <folder>/<name>.csv.
Result<void> write_figure(const Timeline& timeline, const std::string& title, const std::filesystem::path& folder,
                          const std::string& name);

}  // namespace ride::chaos
