// The formats in which pictures become files: what each can hold, and how it is encoded. Pure; any thread.
#pragma once

#include <cstdint>
#include <opencv2/core/mat.hpp>
#include <span>
#include <string_view>
#include <vector>

namespace ride::tasks {

struct PictureFormat {
  std::string_view name;        // the extension that OpenCV knows it by
  std::span<const int> depths;  // OpenCV's
  std::span<const int> channels;
  bool holds(const cv::Mat& picture) const;
};

std::span<const PictureFormat> picture_formats();
// Of a file's extension in lower case, without the dot; null: none that is written.
const PictureFormat* picture_format(std::string_view extension);

// `picture`: one that the format holds. `quality`: of those that lose something, 1 to 100. Empty: it may be too large
// for the format.
std::vector<std::uint8_t> encode_picture(const cv::Mat& picture, const PictureFormat& format, int quality);

}  // namespace ride::tasks
