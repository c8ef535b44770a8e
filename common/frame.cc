#include "common/frame.h"

#include <spdlog/fmt/fmt.h>

#include <charconv>

namespace ride {
namespace {

// A whole decimal number from 0 on, nothing around it.
std::optional<std::int64_t> parse_count(std::string_view text) {
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

}  // namespace

std::string to_string(const FrameId& id) { return fmt::format("{}/{}/{}", id.source, id.session.value, id.number); }

Result<FrameId> parse_frame_id(const std::string& text) {
  // From the right: a source's name may hold slashes, the two numbers may not.
  const auto bad = [&] {
    return invalid_argument(fmt::format("'{}' is not a frame id (source/session/number)", text));
  };
  const std::size_t second = text.rfind('/');
  if (second == std::string::npos || second == 0) return bad();
  const std::size_t first = text.rfind('/', second - 1);
  if (first == std::string::npos || first == 0) return bad();
  const std::string_view view = text;
  const auto session = parse_count(view.substr(first + 1, second - first - 1));
  const auto number = parse_count(view.substr(second + 1));
  if (!session || !number) return bad();
  return FrameId{text.substr(0, first), SessionId{*session}, *number};
}

Result<Codec> parse_codec(const std::string& text) {
  if (text == "raw") return Codec{};
  if (text == "raw:zstd") return Codec{.encoding = PixelEncoding::raw, .compressed = true};
  if (text == "png") return Codec{.encoding = PixelEncoding::png};
  if (text == "jpeg") return Codec{.encoding = PixelEncoding::jpeg};
  if (text.starts_with("jpeg:")) {
    const auto quality = parse_count(std::string_view(text).substr(5));
    if (quality && *quality >= 1 && *quality <= 100) {
      return Codec{.encoding = PixelEncoding::jpeg, .quality = static_cast<int>(*quality)};
    }
    return invalid_argument(
        fmt::format("codec '{}': the JPEG quality is a whole number from 1 to 100, for example jpeg:90", text));
  }
  return invalid_argument(fmt::format("unknown codec '{}'; use raw, raw:zstd, png, jpeg or jpeg:QUALITY", text));
}

std::string to_string(const Codec& codec) {
  switch (codec.encoding) {
    case PixelEncoding::raw:
      return codec.compressed ? "raw:zstd" : "raw";
    case PixelEncoding::jpeg:
      return fmt::format("jpeg:{}", codec.quality);
    case PixelEncoding::png:
      return "png";
  }
  return "raw";
}

std::int64_t pixel_bytes(const cv::Mat& image) {
  return static_cast<std::int64_t>(image.total()) * static_cast<std::int64_t>(image.elemSize());
}

}  // namespace ride
