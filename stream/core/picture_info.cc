#include "stream/core/picture_info.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "stream/core/frame_record.h"

namespace ride::stream {

namespace {

using Bytes = std::span<const std::uint8_t>;

Error corrupt(std::string text) { return Error{ErrorCode::corrupt, std::move(text)}; }
// A head may continue with more bytes; a whole picture ends there.
Error ends_in_header(const char* format) {
  return Error{ErrorCode::corrupt, std::string("truncated ") + format + ": it ends before its width and height", true};
}

std::int64_t big_endian(Bytes bytes, std::size_t at, int count) {
  std::int64_t value = 0;
  for (int i = 0; i < count; ++i) value = (value << 8) | bytes[at + static_cast<std::size_t>(i)];
  return value;
}

bool has_text(Bytes bytes, std::size_t at, std::string_view text) {
  return at + text.size() <= bytes.size() && std::memcmp(bytes.data() + at, text.data(), text.size()) == 0;
}

// ---- JPEG ----

constexpr std::uint8_t kEndOfImage = 0xD9, kStartOfScan = 0xDA, kApp1 = 0xE1;

bool is_start_of_frame(std::uint8_t code) {  // SOF0..SOF15 without DHT, JPG, DAC
  return code >= 0xC0 && code <= 0xCF && code != 0xC4 && code != 0xC8 && code != 0xCC;
}

// TEM, RST0 to RST7, a second SOI, and what is reserved: no length follows. Between the bytes of a scan, they are data.
bool stands_alone(std::uint8_t code) { return code < 0xC0 || (code >= 0xD0 && code <= 0xD8); }

// Goes behind the next marker and gives its code; 0: there is none. Skips what lies before it, as decoders do.
std::uint8_t next_marker(Bytes bytes, std::size_t& at) {
  while (at + 1 < bytes.size()) {
    const auto* found = static_cast<const std::uint8_t*>(std::memchr(bytes.data() + at, 0xFF, bytes.size() - at));
    if (found == nullptr) break;
    at = static_cast<std::size_t>(found - bytes.data());
    while (at < bytes.size() && bytes[at] == 0xFF) ++at;  // fill bytes may stand before the code
    if (at == bytes.size()) break;
    if (const auto code = bytes[at++]; code != 0) return code;
  }
  at = bytes.size();
  return 0;
}

// What the frame header says.
struct JpegFrame {
  PictureInfo info;
  std::int64_t coefficients = 0;  // bytes that all of them take
  bool progressive = false;       // they are kept, even where one scan has them all
  std::size_t behind = 0;         // where the next marker is looked for
};

// `at`: its length, behind the marker.
Result<JpegFrame> frame_header(Bytes bytes, std::size_t at, std::uint8_t code) {
  JpegFrame frame{.info = {PixelEncoding::jpeg, big_endian(bytes, at + 3, 2), big_endian(bytes, at + 5, 2)}};
  auto& info = frame.info;
  if (info.rows == 0 || info.cols == 0) return corrupt("damaged JPEG: it has no size");
  const std::size_t components = bytes[at + 7];
  const auto length = static_cast<std::size_t>(big_endian(bytes, at, 2));
  if (components == 0 || components > 4 || length < 8 + 3 * components)
    return corrupt("damaged JPEG: its frame header is broken");
  if (at + length > bytes.size()) return ends_in_header("JPEG");
  std::int64_t area = 0, across = 1, down = 1;
  for (std::size_t i = 0; i < components; ++i) {
    const int sampling = bytes[at + 9 + 3 * i];
    const int h = sampling >> 4, v = sampling & 15;
    if (h < 1 || h > 4 || v < 1 || v > 4) return corrupt("damaged JPEG: its frame header is broken");
    area += std::int64_t{h} * v;
    across = std::max<std::int64_t>(across, h);
    down = std::max<std::int64_t>(down, v);
  }
  info.channels = components == 1 ? 1 : 3;
  frame.coefficients = info.pixels() * area * 2 / (across * down);  // 16 bits each
  frame.progressive = code != 0xC0 && code != 0xC1 && code != 0xC9;
  frame.behind = at + length;
  return frame;
}

bool is_exif(Bytes bytes, std::uint8_t code, std::size_t content) {
  return code == kApp1 && has_text(bytes, content, std::string_view("Exif\0", 5));
}

// The segments in front of the picture, up to its frame header.
Result<JpegFrame> walk_to_frame_header(Bytes bytes) {
  bool may_turn = false;
  for (std::size_t at = 2; at + 4 <= bytes.size();) {
    if (bytes[at] != 0xFF) return corrupt("damaged JPEG: a marker is missing");
    const auto code = bytes[at + 1];
    if (code == 0xFF) {  // fill byte
      ++at;
      continue;
    }
    if (code == kEndOfImage || code == kStartOfScan) return corrupt("damaged JPEG: it has no frame header");
    const auto length = static_cast<std::size_t>(big_endian(bytes, at + 2, 2));
    if (length < 2) return corrupt("damaged JPEG: a segment has no length");
    may_turn = may_turn || is_exif(bytes, code, at + 4);
    if (is_start_of_frame(code)) {
      if (at + 10 > bytes.size()) break;
      auto frame = frame_header(bytes, at + 2, code);
      if (frame.ok()) frame->info.may_turn = may_turn;
      return frame;
    }
    at += 2 + length;
  }
  return ends_in_header("JPEG");
}

Error too_many_scans(const PictureInfo& info) {
  return Error{ErrorCode::resource_exhausted,
               "a JPEG of " + std::to_string(info.cols) + " x " + std::to_string(info.rows) + " pixels in " +
                   std::to_string(info.passes) + " scans and " + std::to_string(info.data_bytes) +
                   " bytes takes far longer to decode than pictures do; save it with fewer scans"};
}

// Behind the frame header: scans, and tables between them, up to the end of the image. A thumbnail's end lies within a
// segment, and the end of what was appended lies behind.
Result<PictureInfo> inspect_jpeg(Bytes bytes) {
  auto frame = walk_to_frame_header(bytes);
  if (!frame.ok()) return corrupt(frame.error().message);
  auto& info = frame->info;
  std::int64_t scans = 0;
  std::size_t at = frame->behind;
  while (true) {
    const auto code = next_marker(bytes, at);
    if (code == kEndOfImage) break;
    if (code != 0 && stands_alone(code)) continue;
    if (code == 0 || at + 2 > bytes.size()) return corrupt("truncated JPEG: its end is missing");
    const auto length = static_cast<std::size_t>(big_endian(bytes, at, 2));
    if (length < 2) return corrupt("damaged JPEG: a segment has no length");
    info.may_turn = info.may_turn || is_exif(bytes, code, at + 2);
    if (code == kStartOfScan) ++scans;
    at = std::min(at + length, bytes.size());
  }
  if (scans == 0) return corrupt("damaged JPEG: it has no data");
  info.data_bytes = static_cast<std::int64_t>(at);
  info.passes = scans;
  if (frame->progressive || scans > 1) info.buffered_bytes = frame->coefficients;
  if (is_too_much_work(scans, info.pixels(), info.data_bytes)) return too_many_scans(info);
  return info;
}

// ---- PNG ----

constexpr std::int64_t kMostInflated = 1032;       // what zlib packs into one byte, at the most
constexpr std::int64_t kMostOfAChunk = 8'000'000;  // what libpng unpacks of one
constexpr std::int64_t kMostMetadata = 64LL << 20;
constexpr std::int64_t kMostPngSide = 1 << 20;  // of libpng and OpenCV

// Bits of one pixel in the file; 0: no such kind.
int png_bits(int depth, int color) {
  const bool small = depth == 1 || depth == 2 || depth == 4;
  const bool whole = depth == 8 || depth == 16;
  switch (color) {
    case 0:
      return small || whole ? depth : 0;
    case 3:
      return small || depth == 8 ? depth : 0;
    case 2:
      return whole ? 3 * depth : 0;
    case 4:
      return whole ? 2 * depth : 0;
    case 6:
      return whole ? 4 * depth : 0;
    default:
      return 0;
  }
}

bool is_packed_metadata(Bytes bytes, std::size_t at) {
  return has_text(bytes, at, "zTXt") || has_text(bytes, at, "iTXt") || has_text(bytes, at, "iCCP");
}

// The header chunk.
Result<PictureInfo> png_header(Bytes bytes) {
  if (bytes.size() < 33) return ends_in_header("PNG");
  if (!has_text(bytes, 12, "IHDR")) return corrupt("damaged PNG: it has no header chunk");
  PictureInfo info{PixelEncoding::png, big_endian(bytes, 20, 4), big_endian(bytes, 16, 4)};
  if (info.rows == 0 || info.cols == 0) return corrupt("damaged PNG: it has no size");
  if (png_bits(bytes[24], bytes[25]) == 0) return corrupt("damaged PNG: its header is broken");
  if (std::max(info.rows, info.cols) > kMostPngSide) return corrupt("PNG that is wider or higher than can be decoded");
  info.channels = bytes[25] == 0 ? 1 : 3;
  info.depth_bytes = bytes[24] == 16 ? 2 : 1;
  return info;
}

Result<PictureInfo> inspect_png(Bytes bytes) {
  auto header = png_header(bytes);
  if (!header.ok()) return corrupt(header.error().message);
  auto& info = *header;
  const int bits = png_bits(bytes[24], bytes[25]);
  std::int64_t data = 0, metadata = 0;
  for (std::size_t at = 8; at + 12 <= bytes.size();) {
    const auto length = big_endian(bytes, at, 4);
    if (has_text(bytes, at + 4, "IEND")) {
      info.data_bytes = static_cast<std::int64_t>(at) + 12;
      if (info.rows > (data + 64) * kMostInflated / ((info.cols * bits + 7) / 8))
        return corrupt("damaged PNG: its data cannot fill its size");
      if (metadata > kMostMetadata) return corrupt("damaged PNG: it has far more metadata than a picture needs");
      return info;
    }
    if (length > static_cast<std::int64_t>(bytes.size())) break;
    if (has_text(bytes, at + 4, "IDAT")) data += length;
    if (is_packed_metadata(bytes, at + 4)) metadata += std::min(length * kMostInflated, kMostOfAChunk);
    at += 12 + static_cast<std::size_t>(length);
  }
  return corrupt("truncated PNG: its end is missing");
}

bool begins_as_jpeg(Bytes bytes) { return has_text(bytes, 0, "\xFF\xD8\xFF"); }
bool begins_as_png(Bytes bytes) { return has_text(bytes, 0, "\x89PNG\r\n\x1A\n"); }

Error neither(Bytes bytes) {
  if (bytes.empty()) return Error{ErrorCode::corrupt, "empty: no picture at all"};
  return Error{ErrorCode::unsupported, "neither a JPEG nor a PNG picture"};
}

}  // namespace

bool is_too_much_work(std::int64_t passes, std::int64_t pixels, std::int64_t bytes) {
  if (passes <= 1 || pixels <= 0) return false;  // what max_pixels bounds
  return passes > std::max(kFreeWork, bytes * kWorkPerByte) / pixels;
}

Result<PictureInfo> inspect_picture(Bytes bytes) {
  if (begins_as_jpeg(bytes)) return inspect_jpeg(bytes);
  if (begins_as_png(bytes)) return inspect_png(bytes);
  return neither(bytes);
}

Result<PictureHead> inspect_picture_head(Bytes bytes) {
  const auto head = [](const PictureInfo& info) { return PictureHead{info.encoding, info.rows, info.cols}; };
  if (begins_as_jpeg(bytes)) {
    RIDE_ASSIGN(const auto frame, walk_to_frame_header(bytes));
    return head(frame.info);
  }
  if (!begins_as_png(bytes)) return neither(bytes);
  RIDE_ASSIGN(const auto header, png_header(bytes));
  return head(header);
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
