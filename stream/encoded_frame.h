// A frame whose picture is encoded, with its bytes and without its pixels: for who passes the bytes on or stores them.
// Pure. Threads: any.
#pragma once

#include <cstdint>
#include <optional>

#include "common/frame.h"
#include "stream/core/open_sets.h"

namespace ride::stream {

// Nothing: it is raw, or no picture of at most `max_pixels` that we know (0: the default): to_frame() says why.
std::optional<Frame> encoded_frame(const WholeFrame& whole, std::int64_t max_pixels);

}  // namespace ride::stream
