// From the checked bytes of a picture to what a source gives. Threads: any.
#pragma once

#include <memory>
#include <vector>

#include "producer/source.h"
#include "producer/sources/picture_file.h"

namespace ride::producer {

// JPEG and PNG keep their bytes; pixels are added where one of the `wanted` codecs is of another encoding, and for all
// other formats. corrupt: cannot be decoded; the message is the cause alone.
Result<CapturedFrame> picture_frame(const PictureInfo& info, std::span<const std::uint8_t> bytes,
                                    std::shared_ptr<const void> owner, const std::vector<Codec>& wanted);

}  // namespace ride::producer
