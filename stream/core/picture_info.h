// What an encoded picture says about itself before anyone decodes it: format, size, what decoding it takes, and whether
// its end is there. Guards against decompression bombs and truncated files, which decoders take for good. Pure; walks
// the markers of a JPEG (ITU T.81) and the chunks of a PNG (ISO 15948) up to the end of the picture; what lies behind,
// as phones append videos, is nobody's business.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "common/frame.h"
#include "common/result.h"

namespace ride::stream {

struct PictureInfo {
  PixelEncoding encoding = PixelEncoding::raw;  // jpeg or png
  std::int64_t rows = 0, cols = 0;
  int channels = 1, depth_bytes = 1;  // of the decoded picture
  std::int64_t passes = 1;            // over all of its pixels: the scans of a JPEG
  std::int64_t data_bytes = 0;        // up to its end
  std::int64_t buffered_bytes = 0;    // what the decoder keeps beside the picture: coefficients of several scans
  bool may_turn = false;              // EXIF may want it turned, which takes a second copy

  std::int64_t pixels() const { return rows * cols; }
  std::int64_t decoded_bytes() const { return pixels() * channels * depth_bytes; }
  // At the most that decoding holds at once.
  std::int64_t memory_bytes() const { return buffered_bytes + decoded_bytes() * (may_turn ? 2 : 1); }
};

// unsupported: neither JPEG nor PNG (recognised by the first bytes). corrupt: it begins as one but the header is
// damaged, its data cannot fill its size, or the end is missing (truncated). resource_exhausted: decoding it takes more
// time than a picture of so many bytes is worth (a progressive JPEG of very many scans).
Result<PictureInfo> inspect_picture(std::span<const std::uint8_t> bytes);

// Format and size alone, from the first bytes. As above, but `retriable`: it ends within its header, and more bytes may
// complete it.
struct PictureHead {
  PixelEncoding encoding = PixelEncoding::raw;  // jpeg or png
  std::int64_t rows = 0, cols = 0;
};
Result<PictureHead> inspect_picture_head(std::span<const std::uint8_t> bytes);

// The time limit: passes times pixels. At most kFreeWork, or kWorkPerByte for each byte where that is more. A pass
// without data costs 0.2 ns a pixel (2.1 GHz, libjpeg-turbo 2.1), so this is under a second, or 50 ns a byte. A
// progressive photo has about 10 scans: 100 megapixels are a quarter of kFreeWork, and 1,000 megapixels have the bytes.
inline constexpr std::int64_t kFreeWork = 4'000'000'000;
inline constexpr std::int64_t kWorkPerByte = 256;
bool is_too_much_work(std::int64_t passes, std::int64_t pixels, std::int64_t bytes);

const char* content_type_of(PixelEncoding encoding);  // "image/jpeg", "image/png", kRawContentType

}  // namespace ride::stream
