// Is this file a whole picture, and how large is it? Found from its bytes, before anything decodes it: OpenCV takes
// half a JPEG for a picture with a grey lower part, and allocates whatever a header claims. Pure functions over bytes.
// Threads: any.
#pragma once

#include <cstdint>
#include <functional>
#include <opencv2/core/mat.hpp>
#include <span>
#include <string>
#include <vector>

#include "common/frame.h"
#include "common/result.h"

namespace ride::producer {

enum class PictureFormat { jpeg, png, bmp, tiff, webp, pnm };
const char* to_string(PictureFormat format);

struct PictureInfo {
  PictureFormat format = PictureFormat::jpeg;
  std::int64_t width = 0, height = 0;
  std::int64_t decoding_bytes = 0;  // at the most that decoding holds at once, with the picture
  std::int64_t checking_bytes = 0;  // and reading through it without keeping a picture
  std::int64_t pixels() const { return width * height; }
};

// Reads format and size from the first bytes. corrupt: no picture format that RIDE reads, or the header is broken; the
// message is the cause alone ("is a text file, no picture"). timeout stands for "more bytes are needed" (retriable).
Result<PictureInfo> inspect_file_head(std::span<const std::uint8_t> head);

// Checks every byte of a JPEG or PNG (all of its compressed data is read, no picture is kept). corrupt: truncated or
// damaged.
Result<void> check_jpeg(std::span<const std::uint8_t> bytes);
Result<void> check_png(std::span<const std::uint8_t> bytes);

// What a source lets one picture cost.
struct PictureLimits {
  std::int64_t max_pixels = 0;    // 0: no limit
  std::int64_t memory_bytes = 0;  // of the process; 0: no limit. A larger picture must have the bytes for it
  std::function<void(std::int64_t)> reserve;  // called with how much memory comes next; may wait for it
};
// Of memory for each byte of a picture that is larger than the process's limit: photos take 30, drawings 200.
inline constexpr std::int64_t kMemoryPerByte = 256;

// Refuses what costs more than it may, then checks every byte of a JPEG or PNG, and adds to `info` what is known only
// from all of the `bytes`. `weight`: of these, as they lie on the disk. `decoded`: decode_picture() comes next.
// corrupt, resource_exhausted; the message is the cause alone.
Result<void> check_picture(PictureInfo& info, std::span<const std::uint8_t> bytes, std::int64_t weight, bool decoded,
                           const PictureLimits& limits);

// Decodes with the depth that the file has, to gray or BGR (transparency is left out). corrupt: not decodable, or
// pixels of a kind that RIDE has not.
Result<cv::Mat> decode_picture(const PictureInfo& info, std::span<const std::uint8_t> bytes);

// Reads and checks a file. The message of an error is the cause alone, without the path. `wanted`: of the source's
// outputs.
struct PictureFile {
  PictureInfo info;
  std::vector<std::uint8_t> bytes;
};
Result<PictureFile> read_picture_file(const std::string& path, const PictureLimits& limits,
                                      const std::vector<Codec>& wanted = {});

// Whether an output needs the pixels: JPEG and PNG keep their bytes where no other encoding is wanted.
bool must_decode(PictureFormat format, const std::vector<Codec>& wanted);

}  // namespace ride::producer
