// Is this file a whole picture, and how large is it? Told from its bytes, before anything decodes it: OpenCV takes half
// a JPEG for a picture with a grey lower part, and allocates whatever a header claims. Pure functions over bytes.
// Threads: any.
#pragma once

#include <cstdint>
#include <opencv2/core/mat.hpp>
#include <span>
#include <string>
#include <vector>

#include "common/result.h"

namespace ride::producer {

enum class PictureFormat { jpeg, png, bmp, tiff, webp, pnm };
const char* to_string(PictureFormat format);

struct PictureInfo {
  PictureFormat format = PictureFormat::jpeg;
  std::int64_t width = 0, height = 0;
  std::int64_t pixels() const { return width * height; }
};

// Reads format and size from the first bytes. corrupt: no picture format that RIDE reads, or the header is broken; the
// message is the cause alone ("is a text file, no picture"). timeout stands for "more bytes are needed" (retriable).
Result<PictureInfo> inspect_picture(std::span<const std::uint8_t> head);

// Checks every byte of a JPEG or PNG (all of its compressed data is read, no picture is kept). corrupt: truncated or
// damaged.
Result<void> check_jpeg(std::span<const std::uint8_t> bytes);
Result<void> check_png(std::span<const std::uint8_t> bytes);

// Decodes with the depth that the file has, to gray or BGR (transparency is left out). corrupt: not decodable, or
// pixels of a kind that RIDE has not.
Result<cv::Mat> decode_picture(const PictureInfo& info, std::span<const std::uint8_t> bytes);

// Reads and checks a file. The message of an error is the cause alone, without the path. `max_pixels` 0: no limit.
struct PictureFile {
  PictureInfo info;
  std::vector<std::uint8_t> bytes;
};
Result<PictureFile> read_picture_file(const std::string& path, std::int64_t max_pixels);

}  // namespace ride::producer
