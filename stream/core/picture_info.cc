#include "stream/core/picture_info.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "stream/core/frame_record.h"

namespace ride::stream {

namespace {

using Bytes = std::span<const std::uint8_t>;

std::int64_t big_endian(Bytes bytes, std::size_t at, int count) {
  std::int64_t value = 0;
  for (int i = 0; i < count; ++i) value = (value << 8) | bytes[at + static_cast<std::size_t>(i)];
  return value;
}

bool is_start_of_frame(std::uint8_t marker) {  // SOF0..SOF15 without DHT, JPG, DAC
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

// Entropy-coded data holds no FF D9, so an end-of-image marker near the end is a real one; cameras pad behind it.
bool has_end_of_image(Bytes bytes) {
  constexpr std::size_t kTail = 4096;
  const auto tail = bytes.last(std::min(kTail, bytes.size()));
  constexpr std::array<std::uint8_t, 2> kEnd = {0xFF, 0xD9};
  return std::search(tail.begin(), tail.end(), kEnd.begin(), kEnd.end()) != tail.end();
}

Result<PictureInfo> inspect_jpeg(Bytes bytes) {
  std::size_t at = 2;
  while (at + 4 <= bytes.size()) {
    if (bytes[at] != 0xFF) return Error{ErrorCode::corrupt, "damaged JPEG: a marker is missing"};
    const auto marker = bytes[at + 1];
    if (marker == 0xFF) {  // fill byte
      ++at;
      continue;
    }
    const auto length = static_cast<std::size_t>(big_endian(bytes, at + 2, 2));
    if (is_start_of_frame(marker)) {
      if (at + 9 > bytes.size()) break;
      PictureInfo info{PixelEncoding::jpeg, big_endian(bytes, at + 5, 2), big_endian(bytes, at + 7, 2)};
      if (info.rows == 0 || info.cols == 0) return Error{ErrorCode::corrupt, "damaged JPEG: it has no size"};
      if (!has_end_of_image(bytes)) return Error{ErrorCode::corrupt, "truncated JPEG: its end is missing"};
      return info;
    }
    if (length < 2) return Error{ErrorCode::corrupt, "damaged JPEG: a segment has no length"};
    at += 2 + length;
  }
  return Error{ErrorCode::corrupt, "truncated JPEG: it ends before its size is told"};
}

Result<PictureInfo> inspect_png(Bytes bytes) {
  if (bytes.size() < 33 || std::memcmp(bytes.data() + 12, "IHDR", 4) != 0)
    return Error{ErrorCode::corrupt, "truncated PNG: it ends before its size is told"};
  PictureInfo info{PixelEncoding::png, big_endian(bytes, 20, 4), big_endian(bytes, 16, 4)};
  if (info.rows == 0 || info.cols == 0) return Error{ErrorCode::corrupt, "damaged PNG: it has no size"};
  std::size_t at = 8;
  while (at + 12 <= bytes.size()) {
    const auto length = static_cast<std::size_t>(big_endian(bytes, at, 4));
    if (std::memcmp(bytes.data() + at + 4, "IEND", 4) == 0) return info;
    if (length > bytes.size()) break;
    at += 12 + length;
  }
  return Error{ErrorCode::corrupt, "truncated PNG: its end is missing"};
}

}  // namespace

Result<PictureInfo> inspect_picture(Bytes bytes) {
  constexpr std::array<std::uint8_t, 8> kPng = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  if (bytes.size() >= 3 && bytes[0] == 0xFF && bytes[1] == 0xD8 && bytes[2] == 0xFF) return inspect_jpeg(bytes);
  if (bytes.size() >= kPng.size() && std::equal(kPng.begin(), kPng.end(), bytes.begin())) return inspect_png(bytes);
  if (bytes.empty()) return Error{ErrorCode::corrupt, "empty: no picture at all"};
  return Error{ErrorCode::unsupported, "neither a JPEG nor a PNG picture"};
}

const char* content_type_of(PixelEncoding encoding) {
  switch (encoding) {
    case PixelEncoding::raw:
      return kRawContentType;
    case PixelEncoding::jpeg:
      return "image/jpeg";
    case PixelEncoding::png:
      return "image/png";
  }
  return "";
}

}  // namespace ride::stream
