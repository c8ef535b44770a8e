#include "worker/tasks/float_rows.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "worker/tasks/avx2.h"

namespace ride::tasks {
namespace {

// In blocks: what is written is part of what is read, so each block is computed before it is stored.
RIDE_INLINE void magnitudes_of_in(float* complex, std::size_t count) {
  constexpr std::size_t kBlock = 64;
  std::array<float, kBlock> found;
  for (std::size_t first = 0; first < count; first += kBlock) {
    const std::size_t some = std::min(kBlock, count - first);
    const float* from = complex + 2 * first;
    for (std::size_t i = 0; i < some; ++i) {
      const double re = from[2 * i], im = from[2 * i + 1];
      found[i] = static_cast<float>(std::sqrt(re * re + im * im));
    }
    std::copy(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(some), complex + first);
  }
}

// In lanes, since the compiler may not change the order of comparisons by itself.
RIDE_INLINE void add_to_range_in(const float* values, std::size_t count, float& least, float& largest) {
  constexpr std::size_t kLanes = 16;
  constexpr float kMost = std::numeric_limits<float>::max();
  std::array<float, kLanes> low, high;
  low.fill(least), high.fill(largest);
  std::size_t first = 0;
  for (; first + kLanes <= count; first += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const float value = values[first + lane];
      low[lane] = value < low[lane] && value >= -kMost ? value : low[lane];
      high[lane] = value > high[lane] && value <= kMost ? value : high[lane];
    }
  }
  for (; first < count; ++first) {
    const float value = values[first];
    if (value < low[0] && value >= -kMost) low[0] = value;
    if (value > high[0] && value <= kMost) high[0] = value;
  }
  least = *std::min_element(low.begin(), low.end());
  largest = *std::max_element(high.begin(), high.end());
}

RIDE_INLINE void view_of_row_in(const float* __restrict values, double least, double scale, std::uint8_t* __restrict to,
                                std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const double value = scale * (values[i] - least);
    const double above = value > 0 ? value : 0, cut = above >= 255 ? 255 : above;  // NaN: 0
    to[i] = static_cast<std::uint8_t>(static_cast<std::int32_t>(cut + 0.5));  // NOLINT(bugprone-incorrect-roundings)
  }
}

RIDE_INLINE void weighted_in(const float* __restrict values, float weight, float* __restrict to, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) to[i] = weight * values[i];
}

RIDE_INLINE void add_weighted_in(const float* one, const float* other, float weight, float* __restrict to,
                                 std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) to[i] += weight * (one[i] + other[i]);
}

}  // namespace

RIDE_TWICE(magnitudes_of, (float* complex, std::size_t count), (complex, count))
RIDE_TWICE(add_to_range, (const float* values, std::size_t count, float& least, float& largest),
           (values, count, least, largest))
RIDE_TWICE(view_of_row, (const float* values, double least, double scale, std::uint8_t* to, std::size_t count),
           (values, least, scale, to, count))
RIDE_TWICE(weighted, (const float* values, float weight, float* to, std::size_t count), (values, weight, to, count))
RIDE_TWICE(add_weighted, (const float* one, const float* other, float weight, float* to, std::size_t count),
           (one, other, weight, to, count))

}  // namespace ride::tasks
