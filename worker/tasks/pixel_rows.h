// Inner loops of filters over one row of 8-bit pictures. Compiled with vector instructions, which gcc's -O2 leaves out
// where it does not know the length; integers, or floats without FMA, so that every machine gives the same bits. Pure.
// Internal to this folder.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace ride::tasks {

// A window that smooths in one direction and takes the difference in the other. Radius 1: near middle near, -1 0 1;
// radius 2: 1 4 6 4 1, -1 -2 0 2 1.
struct GradientWeights {
  int radius = 1;
  int middle = 2, near = 1;
};

// Downwards, `rows` from -radius to radius: the smoothed value and the difference, at most 16 * 255.
void smooth_and_differ(const std::uint8_t* const* rows, const GradientWeights& weights, std::int16_t* smooth,
                       std::int16_t* difference, std::size_t length);
// Across: min(255, scale * sqrt(dx^2 + dy^2)), rounded. Both rows stand behind and before `radius` * `step` values
// more.
void gradient_length(const std::int16_t* smooth, const std::int16_t* difference, const GradientWeights& weights,
                     std::ptrdiff_t step, float scale, std::uint8_t* to, std::size_t length);

// to = above + below, and the row itself, in 16 bits.
void add_rows(const std::uint8_t* above, const std::uint8_t* middle, const std::uint8_t* below, std::int16_t* around,
              std::int16_t* own, std::size_t length);
// min(255, scale * |second derivative|), rounded; `corners`: 2 0 2 / 0 -8 0 / 2 0 2, else 0 1 0 / 1 -4 1 / 0 1 0. Both
// rows stand behind and before `step` values more.
void laplace_strength(const std::int16_t* around, const std::int16_t* own, bool corners, std::ptrdiff_t step,
                      float scale, std::uint8_t* to, std::size_t length);

// value + share * (256 * value - mean), rounded and cut.
void away_from_mean(const std::uint8_t* values, const std::uint16_t* means, float share, std::uint8_t* to,
                    std::size_t length);

// min(255, value * factor), rounded; the factors are not negative.
void times(const std::uint8_t* values, const float* factors, std::uint8_t* to, std::size_t length);
// min(255, value * factor + addend), rounded; neither is negative.
void times_and_plus(const std::uint8_t* values, const float* factors, const float* addends, std::uint8_t* to,
                    std::size_t length);

// sums += values.
void add_to_sums(const std::uint8_t* values, std::uint32_t* sums, std::size_t length);

// upper + share * (lower - upper), rounded; both 0 to 255.
void between_rows(const float* upper, const float* lower, float share, std::uint8_t* to, std::size_t length);

// `on` where value * unit - mean > limit, else `off`.
void mark_above_mean(const std::uint8_t* values, const std::uint16_t* means, int unit, int limit, std::uint8_t on,
                     std::uint8_t off, std::uint8_t* to, std::size_t length);
void mark_above_mean(const std::uint8_t* values, const std::int32_t* means, int unit, int limit, std::uint8_t on,
                     std::uint8_t off, std::uint8_t* to, std::size_t length);

// Where the pixel (col, row) of one picture lies in another: each three numbers are the shares of col, row and 1, and
// what they give for x and y is divided by what they give for `depth`. In doubles.
struct Projection {
  std::array<double, 3> x, y, depth;
};
// Of up to kMostSpots pixels next to each other: their places, what lies behind the horizon (a depth of almost 0, or
// below) at -2, -2. For those `inside`, that is, with two columns and a row behind and below them: the pixel left
// above, and the weights of the two columns and the two rows, the first in the lower 16 bits, together 2^14.
constexpr std::size_t kMostSpots = 256;
struct Spots {
  std::array<double, kMostSpots> x, y;
  std::array<std::int32_t, kMostSpots> inside, left, top, columns, rows;
};
void find_spots(const Projection& projection, int row, int first, std::size_t count, int cols, int rows, Spots& spots);

// What hue_saturation.cc defines, for `pixels` pixels of 3 or 4 channels; `turn` is in sixths of the circle, 0 to 6.
struct HsvChange {
  float turn = 0, saturation = 1, value = 1;
};
void change_hsv(const std::uint8_t* from, const HsvChange& change, int channels, std::uint8_t* to, std::size_t pixels);

}  // namespace ride::tasks
