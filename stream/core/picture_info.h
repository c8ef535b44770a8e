// What an encoded picture says about itself before anyone decodes it: format, size, and whether its end is there. Guards
// against decompression bombs and truncated files, which decoders take for good. Pure; reads JPEG (ITU T.81 markers) and
// PNG (ISO 15948 chunks).
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
  std::int64_t pixels() const { return rows * cols; }
};

// unsupported: neither JPEG nor PNG (told by the first bytes). corrupt: it begins as one but the header is damaged or the
// end is missing (truncated).
Result<PictureInfo> inspect_picture(std::span<const std::uint8_t> bytes);

const char* content_type_of(PixelEncoding encoding);  // "image/jpeg", "image/png", kRawContentType

}  // namespace ride::stream
