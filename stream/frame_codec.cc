#include "stream/frame_codec.h"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <limits>
#include <new>
#include <opencv2/imgcodecs.hpp>
#include <sstream>

#include "common/cause.h"
#include "common/file_text.h"
#include "common/units.h"
#include "stream/core/picture_info.h"
#include "stream/encoded_frame.h"

namespace ride::stream {

namespace {

constexpr int kZstdLevel = 1;                    // raw frames at camera rates: speed first
constexpr std::int64_t kMostBytesPerPixel = 16;  // four channels of 32 bits
constexpr std::int64_t kMostUnpacked = 32'768;   // what zstd packs into one byte: 128 KiB in a block of 4 bytes

// OpenCV's errors and a lack of memory become Errors here: nothing else knows its exceptions.
template <class Work>
auto guarded(ErrorCode code, const std::string& what, Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const cv::Exception& failure) {
    if (failure.code == cv::Error::StsNoMem)
      return Error{ErrorCode::resource_exhausted, what + ": there is not enough memory for it"};
    return Error{code, what + ": " + failure.err};
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::resource_exhausted, what + ": there is not enough memory for it"};
  } catch (const std::exception& failure) {
    return Error{code, what + ": " + cause_of(failure)};
  }
}

// Of the machine, or of the container that we run in.
std::int64_t memory_there_is() {
  const std::int64_t all = std::int64_t{::sysconf(_SC_PHYS_PAGES)} * ::sysconf(_SC_PAGESIZE);
  std::istringstream limit(file_text("/sys/fs/cgroup/memory.max"));  // bytes, or "max"
  std::int64_t bytes = 0;
  return limit >> bytes && bytes > 0 ? std::min(all, bytes) : all;
}

Result<void> check_bytes(std::int64_t bytes, const std::string& what, std::int64_t max_pixels, std::int64_t max_bytes) {
  static const std::int64_t kMemory = memory_there_is() / 5 * 4;
  const std::int64_t allowed = std::min(max_bytes > 0 ? max_bytes : kMemory, max_pixels * kMostBytesPerPixel);
  if (bytes <= allowed) return {};
  return Error{ErrorCode::resource_exhausted,
               fmt::format("{} takes {}, more than the limit of {} (max_pixels and memory)", what,
                           format_byte_size({bytes}), format_byte_size({allowed}))};
}

std::shared_ptr<const void> hold(cv::Mat image, std::shared_ptr<const void> owner) {
  return std::make_shared<std::pair<cv::Mat, std::shared_ptr<const void>>>(std::move(image), std::move(owner));
}

Payload as_payload(std::vector<std::uint8_t> bytes) {
  auto owner = std::make_shared<std::vector<std::uint8_t>>(std::move(bytes));
  return {{owner->data(), owner->size()}, owner};
}

Content encode_raw(cv::Mat image, std::shared_ptr<const void> owner) {
  if (!image.isContinuous()) {
    image = image.clone();
    owner.reset();
  }
  Content content;
  content.content_type = kRawContentType;
  content.pixels = PixelFormat{image.rows, image.cols, image.channels(), image.depth()};
  const auto bytes = static_cast<std::size_t>(content.pixels->bytes());
  const auto* data = image.data;
  content.payload = {{data, bytes}, hold(std::move(image), std::move(owner))};
  return content;
}

Result<Content> compress(Content raw) {
  const auto source = raw.payload.bytes;
  std::vector<std::uint8_t> out(ZSTD_compressBound(source.size()));
  const auto size = ZSTD_compress(out.data(), out.size(), source.data(), source.size(), kZstdLevel);
  if (ZSTD_isError(size) != 0) return Error{ErrorCode::internal, std::string("zstd: ") + ZSTD_getErrorName(size)};
  out.resize(size);
  raw.payload = as_payload(std::move(out));
  raw.compressed = true;
  return raw;
}

Error too_many_pixels(std::int64_t rows, std::int64_t cols, std::int64_t limit) {
  return Error{ErrorCode::resource_exhausted,
               fmt::format("the picture has {} x {} = {} pixels, more than the limit of {} (max_pixels)", cols, rows,
                           rows * cols, limit)};
}

Result<void> check_compressed(const PixelFormat& format, const Payload& payload) {
  const auto expected = format.bytes();
  const auto bytes = static_cast<std::int64_t>(payload.bytes.size());
  const auto announced = ZSTD_getFrameContentSize(payload.bytes.data(), payload.bytes.size());
  const bool is_known = announced != ZSTD_CONTENTSIZE_UNKNOWN;
  if (announced != ZSTD_CONTENTSIZE_ERROR && expected / kMostUnpacked <= bytes &&
      (!is_known || announced <= static_cast<unsigned long long>(expected)))  // less: more frames may follow it
    return {};
  return Error{ErrorCode::corrupt, fmt::format("{} compressed bytes are not a raw picture of {} {} ({} bytes)", bytes,
                                               shape_text(format), depth_text(format.depth), expected)};
}

Result<cv::Mat> decode_raw(const PixelFormat& format, bool compressed, const Payload& payload,
                           std::shared_ptr<const void>& owner) {
  const auto expected = static_cast<std::size_t>(format.bytes());
  const int type = CV_MAKETYPE(format.depth, format.channels);
  if (!compressed) {
    if (payload.bytes.size() != expected)
      return Error{ErrorCode::corrupt,
                   fmt::format("{} bytes are not a raw picture of {} {} ({} bytes)", payload.bytes.size(),
                               shape_text(format), depth_text(format.depth), expected)};
    owner = payload.owner;
    return cv::Mat(format.rows, format.cols, type, const_cast<std::uint8_t*>(payload.bytes.data()));
  }
  cv::Mat image(format.rows, format.cols, type);
  const auto size = ZSTD_decompress(image.data, expected, payload.bytes.data(), payload.bytes.size());
  if (ZSTD_isError(size) != 0 || size != expected)
    return Error{ErrorCode::corrupt, fmt::format("the compressed picture of {} {} is damaged", shape_text(format),
                                                 depth_text(format.depth))};
  return image;
}

Result<cv::Mat> raw_image(const PixelFormat& format, bool compressed, const Payload& payload, std::int64_t max_pixels,
                          std::int64_t max_bytes, std::shared_ptr<const void>& owner) {
  if (static_cast<std::int64_t>(format.rows) * format.cols > max_pixels)
    return too_many_pixels(format.rows, format.cols, max_pixels);
  if (compressed) {
    RIDE_TRY(check_compressed(format, payload));
    const auto what = fmt::format("a picture of {} {}", shape_text(format), depth_text(format.depth));
    RIDE_TRY(check_bytes(format.bytes(), what, max_pixels, max_bytes));
  }
  return decode_raw(format, compressed, payload, owner);
}

Result<cv::Mat> encoded_image(const Payload& payload, std::int64_t max_pixels, std::int64_t max_bytes,
                              PixelEncoding& encoding) {
  RIDE_ASSIGN(auto info, inspect_picture(payload.bytes));
  encoding = info.encoding;
  if (info.pixels() > max_pixels) return too_many_pixels(info.rows, info.cols, max_pixels);
  const auto what = fmt::format("a picture of {} x {} pixels", info.cols, info.rows);
  RIDE_TRY(check_bytes(info.memory_bytes(), what, max_pixels, max_bytes));
  if (payload.bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    return Error{ErrorCode::unsupported, "the picture has more bytes than OpenCV decodes (2 GiB)"};
  const cv::Mat bytes(1, static_cast<int>(payload.bytes.size()), CV_8U,
                      const_cast<std::uint8_t*>(payload.bytes.data()));
  cv::Mat image = cv::imdecode(bytes, cv::IMREAD_ANYDEPTH | cv::IMREAD_ANYCOLOR);
  if (image.empty()) return Error{ErrorCode::corrupt, "the picture cannot be decoded"};
  return image;
}

Result<Content> encode(const cv::Mat& image, std::shared_ptr<const void> owner, const Codec& codec) {
  if (image.empty()) return Error{ErrorCode::invalid_argument, "an empty picture cannot be encoded"};
  if (image.channels() > 4) return Error{ErrorCode::unsupported, "pictures of more than 4 channels cannot be sent"};
  if (codec.encoding == PixelEncoding::raw) {
    auto raw = encode_raw(image, std::move(owner));
    if (codec.compressed) return compress(std::move(raw));
    return raw;
  }
  std::vector<std::uint8_t> bytes;
  const bool jpeg = codec.encoding == PixelEncoding::jpeg;
  if (jpeg && image.depth() != CV_8U)
    return Error{ErrorCode::unsupported, "JPEG holds 8-bit pictures only; use codec png or raw"};
  if (!cv::imencode(jpeg ? ".jpg" : ".png", image, bytes,
                    jpeg ? std::vector<int>{cv::IMWRITE_JPEG_QUALITY, codec.quality}
                         : std::vector<int>{cv::IMWRITE_PNG_COMPRESSION, 1}))
    return Error{ErrorCode::unsupported, "the picture cannot be encoded as " + to_string(codec)};
  Content content;
  content.content_type = content_type_of(codec.encoding);
  content.payload = as_payload(std::move(bytes));
  return content;
}

Frame without_picture(const WholeFrame& whole) {
  const auto& header = whole.header;
  Frame frame;
  frame.id = header.id;
  frame.from = header.origin.upstream.name;
  frame.captured_at = header.captured_at;
  frame.attributes = header.attributes;
  frame.passed_on = header.passed_on;
  if (!header.traceparent.empty()) frame.passed_on.emplace_back("traceparent", header.traceparent);
  return frame;
}

}  // namespace

std::optional<Frame> encoded_frame(const WholeFrame& whole, std::int64_t max_pixels) {
  if (whole.header.pixels) return std::nullopt;
  const auto info = inspect_picture(whole.payload.bytes);
  if (!info.ok() || info->pixels() > (max_pixels > 0 ? max_pixels : kDefaultMaxPixels)) return std::nullopt;
  Frame frame = without_picture(whole);
  frame.encoded = EncodedPicture{content_type_of(info->encoding), whole.payload.bytes, whole.payload.owner};
  return frame;
}

Result<Content> encode_picture(const cv::Mat& image, std::shared_ptr<const void> owner, const Codec& codec) {
  return guarded(ErrorCode::unsupported, "the picture cannot be encoded as " + to_string(codec),
                 [&] { return encode(image, std::move(owner), codec); });
}

Result<Frame> to_frame(const WholeFrame& whole, const std::optional<AdoptSpec>& adopt, std::int64_t max_pixels,
                       std::int64_t max_bytes) {
  const auto& header = whole.header;
  if (max_pixels <= 0) max_pixels = kDefaultMaxPixels;
  Frame frame = without_picture(whole);

  auto pixels = header.pixels;
  if (!pixels && adopt && adopt->format == "raw") {
    RIDE_ASSIGN(auto format, parse_pixel_format(adopt->shape, adopt->depth));
    pixels = format;
  }
  auto encoding = PixelEncoding::raw;
  auto image = guarded(ErrorCode::corrupt, "the picture cannot be decoded", [&] {
    return pixels ? raw_image(*pixels, header.compressed, whole.payload, max_pixels, max_bytes, frame.owner)
                  : encoded_image(whole.payload, max_pixels, max_bytes, encoding);
  });
  if (!image.ok()) return image.error();
  frame.image = *image;
  if (!pixels) frame.encoded = EncodedPicture{content_type_of(encoding), whole.payload.bytes, whole.payload.owner};
  return frame;
}

Result<void> check_size(int rows, int cols, std::int64_t bytes, std::int64_t max_pixels, std::int64_t max_bytes) {
  if (max_pixels <= 0) max_pixels = kDefaultMaxPixels;
  if (std::int64_t{rows} * cols > max_pixels) return too_many_pixels(rows, cols, max_pixels);
  return check_bytes(bytes, fmt::format("a picture of {} x {}", cols, rows), max_pixels, max_bytes);
}

Result<Content> content_for(const Frame& frame, const std::string& codec) {
  if (codec.empty()) {
    if (frame.encoded)
      return Content{frame.encoded->content_type, std::nullopt, false, {frame.encoded->bytes, frame.encoded->owner}};
    return encode_picture(frame.image, frame.owner, Codec{});
  }
  RIDE_ASSIGN(auto parsed, parse_codec(codec));
  // An unchanged picture that is already what is wanted is not encoded again: no work and no second loss.
  if (frame.encoded && parsed.encoding != PixelEncoding::raw &&
      frame.encoded->content_type == content_type_of(parsed.encoding))
    return Content{frame.encoded->content_type, std::nullopt, false, {frame.encoded->bytes, frame.encoded->owner}};
  return encode_picture(frame.image, frame.owner, parsed);
}

}  // namespace ride::stream
