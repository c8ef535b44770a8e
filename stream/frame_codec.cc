#include "stream/frame_codec.h"

#include <spdlog/fmt/fmt.h>
#include <zstd.h>

#include <opencv2/imgcodecs.hpp>

#include "stream/core/picture_info.h"

namespace ride::stream {

namespace {

constexpr int kZstdLevel = 1;  // raw frames at camera rates: speed first

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
  if (ZSTD_isError(size) != 0)
    return Error{ErrorCode::internal, std::string("zstd: ") + ZSTD_getErrorName(size)};
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

Result<cv::Mat> decode_raw(const PixelFormat& format, bool compressed, const Payload& payload,
                           std::shared_ptr<const void>& owner) {
  const auto expected = static_cast<std::size_t>(format.bytes());
  const int type = CV_MAKETYPE(format.depth, format.channels);
  if (!compressed) {
    if (payload.bytes.size() != expected)
      return Error{ErrorCode::corrupt, fmt::format("{} bytes are no raw picture of {} {} ({} bytes)", payload.bytes.size(),
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

Result<cv::Mat> decode_encoded(const Payload& payload, std::int64_t max_pixels) {
  auto info = inspect_picture(payload.bytes);
  if (!info.ok()) return info.error();
  if (info->pixels() > max_pixels) return too_many_pixels(info->rows, info->cols, max_pixels);
  try {
    const cv::Mat bytes(1, static_cast<int>(payload.bytes.size()), CV_8U, const_cast<std::uint8_t*>(payload.bytes.data()));
    cv::Mat image = cv::imdecode(bytes, cv::IMREAD_ANYDEPTH | cv::IMREAD_ANYCOLOR);
    if (image.empty()) return Error{ErrorCode::corrupt, "the picture cannot be decoded"};
    return image;
  } catch (const cv::Exception& failure) {
    return Error{ErrorCode::corrupt, "the picture cannot be decoded: " + failure.err};
  }
}

}  // namespace

Result<Content> encode_picture(const cv::Mat& image, std::shared_ptr<const void> owner, const Codec& codec) {
  if (image.empty()) return Error{ErrorCode::invalid_argument, "an empty picture cannot be encoded"};
  if (image.channels() > 4) return Error{ErrorCode::unsupported, "pictures of more than 4 channels cannot be sent"};
  if (codec.encoding == PixelEncoding::raw) {
    auto raw = encode_raw(image, std::move(owner));
    if (codec.compressed) return compress(std::move(raw));
    return raw;
  }
  std::vector<std::uint8_t> bytes;
  try {
    const bool jpeg = codec.encoding == PixelEncoding::jpeg;
    if (jpeg && image.depth() != CV_8U)
      return Error{ErrorCode::unsupported, "JPEG holds 8-bit pictures only; use codec png or raw"};
    if (!cv::imencode(jpeg ? ".jpg" : ".png", image, bytes,
                      jpeg ? std::vector<int>{cv::IMWRITE_JPEG_QUALITY, codec.quality}
                           : std::vector<int>{cv::IMWRITE_PNG_COMPRESSION, 1}))
      return Error{ErrorCode::unsupported, "the picture cannot be encoded as " + to_string(codec)};
  } catch (const cv::Exception& failure) {
    return Error{ErrorCode::unsupported, "the picture cannot be encoded as " + to_string(codec) + ": " + failure.err};
  }
  Content content;
  content.content_type = content_type_of(codec.encoding);
  content.payload = as_payload(std::move(bytes));
  return content;
}

Result<Frame> to_frame(const WholeFrame& whole, const std::optional<AdoptSpec>& adopt, std::int64_t max_pixels) {
  const auto& header = whole.header;
  if (max_pixels <= 0) max_pixels = kDefaultMaxPixels;
  Frame frame;
  frame.id = header.id;
  frame.from = header.origin.upstream.name;
  frame.captured_at = header.captured_at;
  frame.attributes = header.attributes;
  frame.passed_on = header.passed_on;
  if (!header.traceparent.empty()) frame.passed_on.emplace_back("traceparent", header.traceparent);

  auto pixels = header.pixels;
  if (!pixels && adopt && adopt->format == "raw") {
    auto format = parse_pixel_format(adopt->shape, adopt->depth);
    if (!format.ok()) return format.error();
    pixels = *format;
  }
  if (pixels) {
    if (static_cast<std::int64_t>(pixels->rows) * pixels->cols > max_pixels)
      return too_many_pixels(pixels->rows, pixels->cols, max_pixels);
    auto image = decode_raw(*pixels, header.compressed, whole.payload, frame.owner);
    if (!image.ok()) return image.error();
    frame.image = *image;
    return frame;
  }
  auto image = decode_encoded(whole.payload, max_pixels);
  if (!image.ok()) return image.error();
  frame.image = *image;
  const auto encoding = inspect_picture(whole.payload.bytes)->encoding;
  frame.encoded = EncodedPicture{content_type_of(encoding), whole.payload.bytes, whole.payload.owner};
  return frame;
}

Result<Content> content_for(const Frame& frame, const std::string& codec) {
  if (codec.empty()) {
    if (frame.encoded)
      return Content{frame.encoded->content_type, std::nullopt, false, {frame.encoded->bytes, frame.encoded->owner}};
    return encode_picture(frame.image, frame.owner, Codec{});
  }
  auto parsed = parse_codec(codec);
  if (!parsed.ok()) return parsed.error();
  // An unchanged picture that is already what is wanted is not encoded again: no work and no second loss.
  if (frame.encoded && parsed->encoding != PixelEncoding::raw &&
      frame.encoded->content_type == content_type_of(parsed->encoding))
    return Content{frame.encoded->content_type, std::nullopt, false, {frame.encoded->bytes, frame.encoded->owner}};
  return encode_picture(frame.image, frame.owner, *parsed);
}

}  // namespace ride::stream
