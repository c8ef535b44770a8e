// Pictures that cost more than they are: made here, byte by byte, because no encoder writes them.
#pragma once

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <opencv2/imgcodecs.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace ride::test {

using PictureBytes = std::vector<std::uint8_t>;

inline void put_number(PictureBytes& bytes, std::size_t at, std::uint32_t value, int size) {
  for (int i = 0; i < size; ++i)
    bytes[at + static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(value >> (8 * (size - 1 - i)));
}

inline PictureBytes joined(PictureBytes bytes, const PictureBytes& more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
  return bytes;
}

// ---- PNG ----

inline PictureBytes png_chunk(std::string_view type, const PictureBytes& data) {
  PictureBytes chunk(12 + data.size());
  put_number(chunk, 0, static_cast<std::uint32_t>(data.size()), 4);
  std::copy(type.begin(), type.end(), chunk.begin() + 4);
  std::copy(data.begin(), data.end(), chunk.begin() + 8);
  const auto crc = ::crc32(0, chunk.data() + 4, static_cast<uInt>(data.size() + 4));
  put_number(chunk, chunk.size() - 4, static_cast<std::uint32_t>(crc), 4);
  return chunk;
}

// So many zeros, as zlib packs them.
inline PictureBytes packed_zeros(std::size_t count) {
  const PictureBytes zeros(count);
  uLongf size = ::compressBound(static_cast<uLong>(count));
  PictureBytes packed(size);
  ::compress2(packed.data(), &size, zeros.data(), static_cast<uLong>(count), 9);
  packed.resize(size);
  return packed;
}

inline PictureBytes png_of(std::uint32_t width, std::uint32_t height, int depth, int color, const PictureBytes& data,
                           const PictureBytes& before = {}) {
  PictureBytes head(13);
  put_number(head, 0, width, 4);
  put_number(head, 4, height, 4);
  head[8] = static_cast<std::uint8_t>(depth);
  head[9] = static_cast<std::uint8_t>(color);
  PictureBytes png = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  for (const auto& part : {png_chunk("IHDR", head), before, png_chunk("IDAT", data), png_chunk("IEND", {})})
    png = joined(std::move(png), part);
  return png;
}

// ---- JPEG ----

inline PictureBytes progressive_jpeg(int side) {
  PictureBytes bytes;
  cv::imencode(".jpg", cv::Mat(side, side, CV_8UC3, cv::Scalar(30, 90, 160)), bytes, {cv::IMWRITE_JPEG_PROGRESSIVE, 1});
  return bytes;
}

inline std::size_t find_marker(const PictureBytes& bytes, std::uint8_t marker) {
  for (std::size_t at = 2; at + 1 < bytes.size(); ++at)
    if (bytes[at] == 0xFF && bytes[at + 1] == marker) return at;
  return bytes.size();
}

// The same data under another size: decoders fill up what is missing, pass by pass.
inline PictureBytes with_jpeg_size(PictureBytes bytes, std::uint32_t width, std::uint32_t height) {
  for (const std::uint8_t marker : {0xC0, 0xC2}) {
    const auto at = find_marker(bytes, marker);
    if (at == bytes.size()) continue;
    put_number(bytes, at + 5, height, 2);
    put_number(bytes, at + 7, width, 2);
  }
  return bytes;
}

// Its last scan again and again.
inline PictureBytes with_more_scans(const PictureBytes& jpeg, int count) {
  std::size_t last = jpeg.size();
  for (std::size_t at = jpeg.size() - 3; at > 2; --at)
    if (jpeg[at] == 0xFF && jpeg[at + 1] == 0xDA) {
      last = at;
      break;
    }
  PictureBytes bytes(jpeg.begin(), jpeg.end() - 2);
  for (int i = 0; i < count; ++i) bytes.insert(bytes.end(), jpeg.begin() + static_cast<long>(last), jpeg.end() - 2);
  return joined(std::move(bytes), {0xFF, 0xD9});
}

// A segment behind the start of the picture, as cameras put EXIF there.
inline PictureBytes with_segment(PictureBytes jpeg, std::uint8_t marker, const PictureBytes& data) {
  PictureBytes segment = {0xFF, marker, 0, 0};
  put_number(segment, 2, static_cast<std::uint32_t>(data.size() + 2), 2);
  segment.insert(segment.end(), data.begin(), data.end());
  jpeg.insert(jpeg.begin() + 2, segment.begin(), segment.end());
  return jpeg;
}

}  // namespace ride::test
