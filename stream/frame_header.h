// The header of a frame's record: what the frame says of itself, and how its content is written. Pure.
#pragma once

#include "stream/frame_codec.h"

namespace ride::stream {

RecordHeader header_for(const Frame& frame, const Content& content);

}  // namespace ride::stream
