#include "producer/sources/picture_frame.h"

namespace ride::producer {

Result<CapturedFrame> picture_frame(const PictureInfo& info, std::span<const std::uint8_t> bytes,
                                    std::shared_ptr<const void> owner, const std::vector<Codec>& wanted) {
  const bool is_jpeg = info.format == PictureFormat::jpeg;
  const bool keeps = is_jpeg || info.format == PictureFormat::png;
  CapturedFrame frame;
  if (must_decode(info.format, wanted)) {
    auto image = decode_picture(info, bytes);
    if (!image) return image.error();
    frame.image = std::move(*image);
  }
  if (keeps) frame.encoded = EncodedPicture{is_jpeg ? "image/jpeg" : "image/png", bytes, std::move(owner)};
  return frame;
}

}  // namespace ride::producer
