// What a frame may have, wherever a picture is made.
#pragma once

#include <cstdint>

namespace ride {

// Of its pixels: a larger set of records is refused by whoever reads it (OpenSets::Limits in stream/).
inline constexpr std::int64_t kMostPictureBytes = (std::int64_t{4} << 30) - 1;

}  // namespace ride
