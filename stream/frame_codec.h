// Pictures to and from the bytes of a record: raw pixels (as they are, or zstd), JPEG, PNG. Uses OpenCV's codecs.
// Threads: free functions, any. Failure: corrupt (bytes that are no such picture), resource_exhausted (more pixels,
// bytes or time than allowed, found before anything is decoded), unsupported. No exception.
#pragma once

#include <opencv2/core/mat.hpp>

#include "common/frame.h"
#include "stream/core/frame_record.h"
#include "stream/core/set_assembler.h"

namespace ride::stream {

// 2^30: what OpenCV itself reads at most; a 24160 x 25720 picture has 6.2e8.
inline constexpr std::int64_t kDefaultMaxPixels = std::int64_t{1} << 30;

// The bytes of one picture, ready to be a record's value, with the headers that describe them.
struct Content {
  std::string content_type;
  std::optional<PixelFormat> pixels;  // raw
  bool compressed = false;
  Payload payload;
};

// `owner` keeps the pixels alive where the Mat does not own them. Raw: no copy when the rows lie together.
Result<Content> encode_picture(const cv::Mat& image, std::shared_ptr<const void> owner, const Codec& codec);

// The frame of a record: pixels (raw: a view into the payload, not a copy), identity, attributes. `adopt` gives the
// format where the record does not. `max_pixels` 0: kDefaultMaxPixels. `max_bytes`: that decoding may hold at once; 0:
// four fifths of the machine's memory, and in any case 16 bytes for each of `max_pixels`.
Result<Frame> to_frame(const WholeFrame& whole, const std::optional<AdoptSpec>& adopt, std::int64_t max_pixels,
                       std::int64_t max_bytes = 0);

// Whether a picture of this size may be made, which takes `bytes` of memory: by the limits of to_frame().
Result<void> check_size(int rows, int cols, std::int64_t bytes, std::int64_t max_pixels, std::int64_t max_bytes);

// What goes on for a frame at an output with this codec text ("" = keep an unchanged picture's bytes, else raw).
Result<Content> content_for(const Frame& frame, const std::string& codec);

}  // namespace ride::stream
