// How a camera was held: the orientation (1..8) in a JPEG's EXIF block, by Exif 2.3 (tag 0x0112 of the first
// directory). 1, as it is stored, where nothing is said or the block is damaged. Decoders turn the picture by it, video
// players do not. Pure.
#pragma once

#include <cstdint>
#include <span>

namespace ride::tasks {

int exif_orientation(std::span<const std::uint8_t> jpeg);

}  // namespace ride::tasks
