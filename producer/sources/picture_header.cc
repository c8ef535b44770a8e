// inspect_file_head(): format and size from the first bytes of a file.
#include <algorithm>
#include <cctype>
#include <cstring>
#include <optional>
#include <string_view>

#include "producer/sources/picture_file.h"
#include "stream/core/picture_info.h"

namespace ride::producer {
namespace {

using Bytes = std::span<const std::uint8_t>;

Error need_more() { return {ErrorCode::timeout, "is truncated: it ends within its header", true}; }

bool starts_with(Bytes bytes, std::string_view magic, std::size_t at = 0) {
  return bytes.size() >= at + magic.size() && std::memcmp(bytes.data() + at, magic.data(), magic.size()) == 0;
}

std::uint32_t number(Bytes bytes, std::size_t at, int size, bool big_endian) {
  std::uint32_t value = 0;
  for (int i = 0; i < size; ++i) {
    const std::uint32_t byte = bytes[at + static_cast<std::size_t>(big_endian ? i : size - 1 - i)];
    value = value << 8 | byte;
  }
  return value;
}

// `bytes_per_pixel`: what decoding holds, with the picture; of JPEG and PNG, stream/core/picture_info.h says.
Result<PictureInfo> sized(PictureFormat format, std::int64_t width, std::int64_t height,
                          std::int64_t bytes_per_pixel = 0) {
  constexpr std::int64_t kMostSide = 1 << 20;  // of OpenCV; no product of two overflows
  if (width <= 0 || height <= 0) return corrupt("has a broken header: a side of length 0");
  if (width > kMostSide || height > kMostSide) return corrupt("claims to be wider or higher than can be decoded");
  return PictureInfo{format, width, height, width * height * bytes_per_pixel};
}

// JPEG and PNG are read by the one place that knows them, for workers too.
Result<PictureInfo> inspect_jpeg_or_png(Bytes bytes) {
  const auto head = stream::inspect_picture_head(bytes);
  if (!head.ok() && head.error().retriable) return need_more();
  if (!head.ok()) return Error{head.error().code, "is a " + head.error().message};
  return sized(head->encoding == PixelEncoding::jpeg ? PictureFormat::jpeg : PictureFormat::png, head->cols,
               head->rows);
}

Result<PictureInfo> inspect_bmp(Bytes bytes) {
  if (bytes.size() < 26) return need_more();
  const std::uint32_t header = number(bytes, 14, 4, false);
  if (header == 12) return sized(PictureFormat::bmp, number(bytes, 18, 2, false), number(bytes, 20, 2, false), 4);
  if (header < 40) return corrupt("is damaged: a BMP with an unknown header");
  const auto height = static_cast<std::int32_t>(number(bytes, 22, 4, false));  // negative: stored top down
  return sized(PictureFormat::bmp, static_cast<std::int32_t>(number(bytes, 18, 4, false)),
               std::abs(static_cast<std::int64_t>(height)), 4);
}

// Of the first directory of a TIFF. A tag that stands there twice counts with its larger value.
struct TiffTags {
  std::int64_t width = 0, height = 0, tile_width = 0, tile_height = 0, bits = 1, samples = 1;

  std::int64_t* place_of(std::uint32_t tag) {
    switch (tag) {
      case 256:
        return &width;
      case 257:
        return &height;
      case 258:
        return &bits;
      case 277:
        return &samples;
      case 322:
        return &tile_width;
      case 323:
        return &tile_height;
      default:
        return nullptr;
    }
  }
};

// The picture in up to three channels, and a strip of all of it, or a tile.
Result<PictureInfo> sized_tiff(const TiffTags& tags) {
  const std::int64_t depth = std::clamp<std::int64_t>((tags.bits + 7) / 8, 1, 8);
  const std::int64_t samples = std::clamp<std::int64_t>(tags.samples, 1, 4);
  const std::int64_t pixel = samples == 1 ? std::max<std::int64_t>(3, depth) : 3 * depth;
  const std::int64_t buffered = std::max<std::int64_t>(4, samples * depth);
  auto info = sized(PictureFormat::tiff, tags.width, tags.height, pixel + buffered);
  constexpr std::int64_t kMostTile = 1 << 30;  // of OpenCV
  const bool large = tags.tile_width > kMostTile || tags.tile_height > kMostTile;
  const std::int64_t tile = large ? kMostTile : std::min(tags.tile_width * tags.tile_height, kMostTile);
  if (info) info->decoding_bytes += tile * buffered;
  return info;
}

Result<PictureInfo> inspect_tiff(Bytes bytes) {
  if (bytes.size() < 8) return need_more();
  const bool big = bytes[0] == 'M';
  const std::size_t directory = number(bytes, 4, 4, big);
  if (directory < 8) return corrupt("is damaged: a TIFF without a directory");
  if (directory + 2 > bytes.size()) return need_more();
  const std::size_t entries = number(bytes, directory, 2, big);
  TiffTags tags;
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + i * 12;
    if (entry + 12 > bytes.size()) return need_more();
    std::int64_t* const kept = tags.place_of(number(bytes, entry, 2, big));
    if (kept == nullptr) continue;
    const std::uint32_t type = number(bytes, entry + 2, 2, big), count = number(bytes, entry + 4, 4, big);
    if (type != 1 && type != 3 && type != 4)  // BYTE, SHORT, LONG: what we read otherwise, a decoder may not
      return corrupt("is damaged: a TIFF whose size is not a whole number");
    const int size = type == 1 ? 1 : type == 3 ? 2 : 4;
    // Bits are given for each sample: where they do not fit, their place stands here instead.
    const bool elsewhere = static_cast<std::uint64_t>(count) * static_cast<std::uint64_t>(size) > 4;
    const std::size_t at = elsewhere ? number(bytes, entry + 8, 4, big) : entry + 8;
    if (at + static_cast<std::size_t>(size) > bytes.size()) return need_more();
    *kept = std::max<std::int64_t>(*kept, number(bytes, at, size, big));
  }
  return sized_tiff(tags);
}

// RFC 9649: a lossy ("VP8 "), lossless ("VP8L") or extended ("VP8X") first chunk.
Result<PictureInfo> inspect_webp(Bytes bytes) {
  if (bytes.size() < 30) return need_more();
  if (starts_with(bytes, "VP8X", 12)) {
    return sized(PictureFormat::webp, number(bytes, 24, 3, false) + 1, number(bytes, 27, 3, false) + 1, 8);
  }
  if (starts_with(bytes, "VP8L", 12)) {
    const std::uint32_t packed = number(bytes, 21, 4, false);
    return sized(PictureFormat::webp, (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1, 8);
  }
  if (starts_with(bytes, "VP8 ", 12)) {
    return sized(PictureFormat::webp, number(bytes, 26, 2, false) & 0x3FFF, number(bytes, 28, 2, false) & 0x3FFF, 8);
  }
  return corrupt("is damaged: a WebP without a picture");
}

// "P5 # comment\n640 480 255\n": two numbers as text behind the magic.
Result<PictureInfo> inspect_pnm(Bytes bytes) {
  std::int64_t sides[2] = {0, 0};
  std::size_t at = 2;
  for (std::int64_t& side : sides) {
    while (at < bytes.size() && (std::isspace(bytes[at]) || bytes[at] == '#')) {
      if (bytes[at] == '#') {
        while (at < bytes.size() && bytes[at] != '\n') ++at;
      } else {
        ++at;
      }
    }
    if (at >= bytes.size()) return need_more();
    if (!std::isdigit(bytes[at])) return corrupt("is damaged: a PNM without a size");
    while (at < bytes.size() && std::isdigit(bytes[at])) {
      side = side * 10 + (bytes[at++] - '0');
      if (side > 1'000'000'000) return corrupt("is damaged: a PNM of impossible size");
    }
    if (at >= bytes.size()) return need_more();
  }
  return sized(PictureFormat::pnm, sides[0], sides[1], 6);
}

bool looks_like_text(Bytes bytes) {
  const Bytes sample = bytes.first(std::min<std::size_t>(bytes.size(), 512));
  return std::all_of(sample.begin(), sample.end(), [](std::uint8_t byte) {
    return byte >= 0x20 || byte == '\n' || byte == '\r' || byte == '\t' || byte == '\f' || byte == 0x1B;
  });
}

}  // namespace

const char* to_string(PictureFormat format) {
  switch (format) {
    case PictureFormat::jpeg:
      return "JPEG";
    case PictureFormat::png:
      return "PNG";
    case PictureFormat::bmp:
      return "BMP";
    case PictureFormat::tiff:
      return "TIFF";
    case PictureFormat::webp:
      return "WebP";
    case PictureFormat::pnm:
      return "PNM";
  }
  return "picture";
}

Result<PictureInfo> inspect_file_head(Bytes head) {
  if (head.empty()) return corrupt("is empty");
  if (starts_with(head, "\xFF\xD8\xFF") || starts_with(head, "\x89PNG\r\n\x1A\n")) return inspect_jpeg_or_png(head);
  if (starts_with(head, std::string_view("II*\0", 4)) || starts_with(head, std::string_view("MM\0*", 4))) {
    return inspect_tiff(head);
  }
  if (starts_with(head, "RIFF") && starts_with(head, "WEBP", 8)) return inspect_webp(head);
  const bool pnm = head.size() > 2 && head[0] == 'P' && head[1] >= '1' && head[1] <= '6' && std::isspace(head[2]);
  if (pnm) return inspect_pnm(head);
  // Two letters prove little: a BMP also has zeroes in its reserved field.
  if (starts_with(head, "BM") && !looks_like_text(head)) return inspect_bmp(head);
  if (looks_like_text(head)) return corrupt("is a text file, not a picture");
  return corrupt("is not a JPEG, PNG, BMP, TIFF, WebP or PNM picture");
}

}  // namespace ride::producer
