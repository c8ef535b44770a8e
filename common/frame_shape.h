// The shape of raw pixels as files state it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ride {

struct FrameShape {
  std::int64_t rows = 0, cols = 0;
  int channels = 1;
  int bytes_per_value = 1;  // 8u 1, 16u 2, 32f 4

  std::int64_t pixels() const { return rows * cols; }
  std::int64_t bytes() const { return rows * cols * channels * bytes_per_value; }
  bool operator==(const FrameShape&) const = default;
};

// "900x900x1" or "900x900" (one channel), rows first; up to 2^20 rows or columns, 1 to 4 channels. Depth: 8u, 16u, 32f.
std::optional<FrameShape> parse_shape(std::string_view shape, std::string_view depth);

}  // namespace ride
