#include "worker/tasks/png_file.h"

#include <spdlog/fmt/fmt.h>

#include <filesystem>
#include <opencv2/imgcodecs.hpp>

#include "common/file_text.h"

namespace ride::tasks {
namespace {

std::int64_t big_endian(std::string_view bytes) {
  std::int64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

Error broken_picture(const std::string& path, const std::string& why) {
  return {ErrorCode::corrupt,
          fmt::format("the picture '{}' cannot be used: {}; save it as PNG, of at most {} million pixels", path, why,
                      kMostPngPixels >> 20)};
}

}  // namespace

Result<PngHead> parse_png_head(std::string_view bytes) {
  // ISO 15948: the signature, then the chunk IHDR with its length of 13.
  constexpr std::string_view kBegin("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16);
  if (!bytes.starts_with(kBegin) || bytes.size() < 24) return Error{ErrorCode::corrupt, "it is no PNG file"};
  const PngHead head{.rows = big_endian(bytes.substr(20, 4)), .cols = big_endian(bytes.substr(16, 4))};
  if (head.rows < 1 || head.cols < 1) return Error{ErrorCode::corrupt, "it states no size"};
  if (head.rows > kMostPngPixels || head.cols > kMostPngPixels || head.rows * head.cols > kMostPngPixels)
    return Error{ErrorCode::corrupt, fmt::format("it has {}x{} pixels", head.cols, head.rows)};
  return head;
}

Result<cv::Mat> read_png(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    return Error{ErrorCode::not_found,
                 fmt::format("the picture '{}' is not there: copy it to this machine, or name another one", path)};
  RIDE_ASSIGN(const auto text, read_named_file(path, {.most_bytes = static_cast<std::size_t>(kMostPngBytes),
                                                      .patience = std::chrono::seconds(2)}));
  if (auto head = parse_png_head(text); !head) return broken_picture(path, head.error().message);
  try {
    const cv::Mat bytes(1, static_cast<int>(text.size()), CV_8UC1, const_cast<char*>(text.data()));
    cv::Mat picture = cv::imdecode(bytes, cv::IMREAD_UNCHANGED);
    if (picture.empty()) return broken_picture(path, "it is damaged, or ends too early");
    return picture;
  } catch (const cv::Exception& failure) {
    return broken_picture(path, "OpenCV says: " + failure.err);
  }
}

}  // namespace ride::tasks
