#include "test_runner/picture_write.h"

#include <spdlog/fmt/fmt.h>

#include <functional>
#include <string>
#include <vector>

#include "common/cause.h"
#include "process/whole_file.h"
#include "test_runner/picture_compare.h"
#include "worker/tasks/path_template.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/picture_format.h"

namespace ride::test_runner {
namespace fs = std::filesystem;

namespace {

constexpr int kQuality = 95;

std::string ending_of(const fs::path& file) { return tasks::file_extension(file.filename().string()); }

std::string endings(const std::function<bool(const tasks::PictureFormat&)>& wanted) {
  std::vector<std::string> all;
  for (const auto& format : tasks::picture_formats())
    if (wanted(format)) all.push_back("." + std::string(format.name));
  return fmt::format("{}", fmt::join(all, ", "));
}

}  // namespace

Result<void> check_ending(const fs::path& file) {
  if (tasks::picture_format(ending_of(file)) != nullptr) return {};
  return Error{ErrorCode::unsupported, fmt::format("{} has no ending of a picture that can be written: {}",
                                                   file.string(), endings([](const auto&) { return true; }))};
}

Result<void> write_picture(const fs::path& file, const cv::Mat& picture) {
  RIDE_TRY(check_ending(file));
  const auto& format = *tasks::picture_format(ending_of(file));
  if (!format.holds(picture)) {
    const auto others = endings([&](const tasks::PictureFormat& other) { return other.holds(picture); });
    return Error{ErrorCode::unsupported,
                 fmt::format("{} cannot hold a picture of {}: {}", file.string(), tasks::shape_text(picture),
                             others.empty() ? "no format can, convert it before" : "name one of " + others)};
  }
  std::error_code failed;
  if (file.has_parent_path()) fs::create_directories(file.parent_path(), failed);
  std::vector<std::uint8_t> bytes;
  try {
    bytes = tasks::encode_picture(picture, format, kQuality);
  } catch (const std::exception& failure) {
    return Error{ErrorCode::unsupported, fmt::format("{} cannot be written: {}", file.string(), cause_of(failure))};
  }
  if (bytes.empty())
    return Error{ErrorCode::unsupported, fmt::format("{} cannot be written: {} may be too large for it", file.string(),
                                                     tasks::shape_text(picture))};
  return process::write_whole_file(file, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

Result<void> check_keeps_pixels(const fs::path& file, const cv::Mat& picture) {
  const auto ending = ending_of(file);
  const bool tiff = ending == "tif" || ending == "tiff";
  if (picture.channels() != 1 && picture.channels() != 3)
    return Error{ErrorCode::unsupported,
                 fmt::format("a picture of {} cannot be compared with a file; expect sha256", shape_of(picture))};
  if (tiff || (ending == "png" && picture.depth() != CV_32F)) return {};
  return Error{ErrorCode::unsupported,
               fmt::format("{} would not hold the pixels of {}: name a {}", file.string(), shape_of(picture),
                           picture.depth() == CV_32F ? ".tiff" : ".png or .tiff")};
}

}  // namespace ride::test_runner
