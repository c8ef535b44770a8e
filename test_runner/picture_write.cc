#include "test_runner/picture_write.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cctype>
#include <opencv2/imgcodecs.hpp>
#include <string>
#include <vector>

#include "common/cause.h"
#include "process/whole_file.h"
#include "test_runner/picture_compare.h"

namespace ride::test_runner {
namespace fs = std::filesystem;

Result<void> write_picture(const fs::path& file, const cv::Mat& picture) {
  std::error_code failed;
  if (file.has_parent_path()) fs::create_directories(file.parent_path(), failed);
  std::vector<std::uint8_t> bytes;
  try {
    if (!cv::imencode(file.extension().string(), picture, bytes))
      return Error{ErrorCode::unsupported, fmt::format("{} cannot be written as a picture", file.string())};
  } catch (const std::exception& failure) {
    return Error{ErrorCode::unsupported, fmt::format("{} cannot be written: {}", file.string(), cause_of(failure))};
  }
  return process::write_whole_file(file, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

Result<void> check_keeps_pixels(const fs::path& file, const cv::Mat& picture) {
  std::string ending = file.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return std::tolower(c); });
  const bool tiff = ending == ".tif" || ending == ".tiff";
  if (picture.channels() != 1 && picture.channels() != 3)
    return Error{ErrorCode::unsupported,
                 fmt::format("a picture of {} cannot be compared with a file; expect sha256", shape_of(picture))};
  if (tiff || (ending == ".png" && picture.depth() != CV_32F)) return {};
  return Error{ErrorCode::unsupported,
               fmt::format("{} would not hold the pixels of {}: name a {}", file.string(), shape_of(picture),
                           picture.depth() == CV_32F ? ".tiff" : ".png or .tiff")};
}

}  // namespace ride::test_runner
