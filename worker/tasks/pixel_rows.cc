#include "worker/tasks/pixel_rows.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "worker/tasks/avx2.h"

namespace ride::tasks {
namespace {

// Never negative; lround would not become a vector instruction.
RIDE_INLINE std::uint8_t nearest_byte(float value) {
  return static_cast<std::uint8_t>(static_cast<std::int32_t>(value + 0.5f));  // NOLINT(bugprone-incorrect-roundings)
}

template <int Radius>
RIDE_INLINE void smooth_and_differ_of(const std::uint8_t* const* rows, const GradientWeights& weights,
                                      std::int16_t* __restrict smooth, std::int16_t* __restrict difference,
                                      std::size_t length) {
  const auto middle = static_cast<std::int16_t>(weights.middle), near = static_cast<std::int16_t>(weights.near);
  const std::uint8_t *a = rows[0], *b = rows[1], *c = rows[2];
  for (std::size_t x = 0; x < length; ++x) {
    if constexpr (Radius == 1) {
      smooth[x] = static_cast<std::int16_t>(middle * b[x] + near * (a[x] + c[x]));
      difference[x] = static_cast<std::int16_t>(c[x] - a[x]);
    } else {
      smooth[x] = static_cast<std::int16_t>(6 * c[x] + 4 * (b[x] + rows[3][x]) + a[x] + rows[4][x]);
      difference[x] = static_cast<std::int16_t>(2 * (rows[3][x] - b[x]) + rows[4][x] - a[x]);
    }
  }
}

RIDE_INLINE void smooth_and_differ_in(const std::uint8_t* const* rows, const GradientWeights& weights,
                                      std::int16_t* smooth, std::int16_t* difference, std::size_t length) {
  if (weights.radius == 1) return smooth_and_differ_of<1>(rows, weights, smooth, difference, length);
  smooth_and_differ_of<2>(rows, weights, smooth, difference, length);
}

template <int Radius>
RIDE_INLINE void gradient_length_of(const std::int16_t* __restrict s, const std::int16_t* __restrict d,
                                    const GradientWeights& weights, std::ptrdiff_t step, float scale,
                                    std::uint8_t* __restrict to, std::ptrdiff_t length) {
  const int middle = weights.middle, near = weights.near;
  for (std::ptrdiff_t x = 0; x < length; ++x) {
    int dx = 0, dy = 0;
    if constexpr (Radius == 1) {
      dx = s[x + step] - s[x - step];
      dy = middle * d[x] + near * (d[x - step] + d[x + step]);
    } else {
      dx = 2 * (s[x + step] - s[x - step]) + s[x + 2 * step] - s[x - 2 * step];
      dy = 6 * d[x] + 4 * (d[x - step] + d[x + step]) + d[x - 2 * step] + d[x + 2 * step];
    }
    to[x] = nearest_byte(std::min(255.0f, scale * std::sqrt(static_cast<float>(dx * dx + dy * dy))));
  }
}

RIDE_INLINE void gradient_length_in(const std::int16_t* smooth, const std::int16_t* difference,
                                    const GradientWeights& weights, std::ptrdiff_t step, float scale, std::uint8_t* to,
                                    std::size_t length) {
  const auto count = static_cast<std::ptrdiff_t>(length);
  if (weights.radius == 1) return gradient_length_of<1>(smooth, difference, weights, step, scale, to, count);
  gradient_length_of<2>(smooth, difference, weights, step, scale, to, count);
}

RIDE_INLINE void add_rows_in(const std::uint8_t* above, const std::uint8_t* middle, const std::uint8_t* below,
                             std::int16_t* __restrict around, std::int16_t* __restrict own, std::size_t length) {
  for (std::size_t x = 0; x < length; ++x) {
    around[x] = static_cast<std::int16_t>(above[x] + below[x]);
    own[x] = middle[x];
  }
}

template <bool Corners, bool Scaled>
RIDE_INLINE void laplace_strength_of(const std::int16_t* __restrict around, const std::int16_t* __restrict own,
                                     std::ptrdiff_t step, float scale, std::uint8_t* __restrict to,
                                     std::ptrdiff_t length) {
  for (std::ptrdiff_t x = 0; x < length; ++x) {
    const int sum = Corners ? 2 * (around[x - step] + around[x + step]) - 8 * own[x]
                            : around[x] + own[x - step] + own[x + step] - 4 * own[x];
    const int strength = std::abs(static_cast<int>(static_cast<std::int16_t>(sum)));
    to[x] = Scaled ? nearest_byte(std::min(255.0f, scale * static_cast<float>(strength)))
                   : static_cast<std::uint8_t>(std::min(255, strength));
  }
}

RIDE_INLINE void laplace_strength_in(const std::int16_t* around, const std::int16_t* own, bool corners,
                                     std::ptrdiff_t step, float scale, std::uint8_t* to, std::size_t length) {
  const auto count = static_cast<std::ptrdiff_t>(length);
  if (corners && scale == 1) return laplace_strength_of<true, false>(around, own, step, scale, to, count);
  if (corners) return laplace_strength_of<true, true>(around, own, step, scale, to, count);
  if (scale == 1) return laplace_strength_of<false, false>(around, own, step, scale, to, count);
  laplace_strength_of<false, true>(around, own, step, scale, to, count);
}

RIDE_INLINE void away_from_mean_in(const std::uint8_t* __restrict values, const std::uint16_t* __restrict means,
                                   float share, std::uint8_t* __restrict to, std::size_t length) {
  for (std::size_t x = 0; x < length; ++x) {
    const float over = static_cast<float>(256 * values[x] - means[x]);
    to[x] = nearest_byte(std::min(255.0f, std::max(0.0f, static_cast<float>(values[x]) + share * over)));
  }
}

RIDE_INLINE void times_in(const std::uint8_t* __restrict values, const float* __restrict factors,
                          std::uint8_t* __restrict to, std::size_t length) {
  for (std::size_t x = 0; x < length; ++x)
    to[x] = nearest_byte(std::min(255.0f, static_cast<float>(values[x]) * factors[x]));
}

RIDE_INLINE void times_and_plus_in(const std::uint8_t* __restrict values, const float* __restrict factors,
                                   const float* __restrict addends, std::uint8_t* __restrict to, std::size_t length) {
  for (std::size_t x = 0; x < length; ++x)
    to[x] = nearest_byte(std::min(255.0f, static_cast<float>(values[x]) * factors[x] + addends[x]));
}

RIDE_INLINE void add_to_sums_in(const std::uint8_t* __restrict values, std::uint32_t* __restrict sums,
                                std::size_t length) {
  for (std::size_t x = 0; x < length; ++x) sums[x] += values[x];
}

RIDE_INLINE void between_rows_in(const float* __restrict upper, const float* __restrict lower, float share,
                                 std::uint8_t* __restrict to, std::size_t length) {
  for (std::size_t x = 0; x < length; ++x) to[x] = nearest_byte(upper[x] + share * (lower[x] - upper[x]));
}

// Along a row: the value in column 0, and what each column adds.
struct Line {
  Line(const std::array<double, 3>& shares, double row) : start(shares[1] * row + shares[2]), step(shares[0]) {}
  RIDE_INLINE double at(double col) const { return step * col + start; }
  double start, step;
};

constexpr int kSpotWeights = 1 << 14;

// The weights of two neighbours, `share` of the way from the first to the second.
RIDE_INLINE std::int32_t two_weights(double share) {
  const auto second = static_cast<std::int32_t>(share * kSpotWeights + 0.5);  // NOLINT(bugprone-incorrect-roundings)
  return (kSpotWeights - second) | second << 16;
}

// In three loops, each of which becomes vector instructions.
RIDE_INLINE void find_spots_in(const Projection& projection, int row, int first, std::size_t count, int cols, int rows,
                               Spots& __restrict spots) {
  constexpr double kHorizon = 1e-9;
  const Line along_x(projection.x, row), along_y(projection.y, row), along_depth(projection.depth, row);
  for (std::size_t i = 0; i < count; ++i) {
    const double col = first + static_cast<int>(i), depth = along_depth.at(col), divisor = std::max(depth, kHorizon);
    const double x = along_x.at(col) / divisor, y = along_y.at(col) / divisor;
    spots.x[i] = depth > kHorizon ? x : -2;
    spots.y[i] = depth > kHorizon ? y : -2;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const double x = std::min(std::max(spots.x[i], 0.0), static_cast<double>(cols));
    const double y = std::min(std::max(spots.y[i], 0.0), static_cast<double>(rows));
    spots.left[i] = static_cast<std::int32_t>(x);
    spots.top[i] = static_cast<std::int32_t>(y);
    spots.columns[i] = two_weights(x - spots.left[i]);
    spots.rows[i] = two_weights(y - spots.top[i]);
  }
  for (std::size_t i = 0; i < count; ++i) {
    const int right = spots.left[i] < cols - 2, above = spots.top[i] < rows - 1;  // numbers: no branches
    const int left = spots.x[i] >= 0, below = spots.y[i] >= 0;
    spots.inside[i] = (left & below & right & above) != 0;
  }
}

template <class Mean>
RIDE_INLINE void mark_above_mean_in(const std::uint8_t* __restrict values, const Mean* __restrict means, int unit,
                                    int limit, std::uint8_t on, std::uint8_t off, std::uint8_t* __restrict to,
                                    std::size_t length) {
  for (std::size_t x = 0; x < length; ++x) to[x] = values[x] * unit - static_cast<int>(means[x]) > limit ? on : off;
}

// The share of the saturation that a channel loses: 0 within 60 degrees of its own hue, 1 beyond 120. `turn`: the hue
// less the channel's own, in sixths of the circle, from -6 to below 12.
RIDE_INLINE float lost_saturation(float turn) {
  const float up = turn < 0 ? turn + 6 : turn, around = up >= 6 ? up - 6 : up;
  return std::min(1.0f, std::max(0.0f, std::min(around, 6 - around) - 1));
}

constexpr std::size_t kBlock = 256;

// Planes of up to kBlock pixels, so that the compiler computes several at once.
RIDE_INLINE void change_block(float* __restrict blue, float* __restrict green, float* __restrict red,
                              const HsvChange& change, std::size_t pixels) {
  for (std::size_t i = 0; i < pixels; ++i) {
    const float b = blue[i], g = green[i], r = red[i];
    const float most = std::max(b, std::max(g, r)), range = most - std::min(b, std::min(g, r));
    const float between = most == r ? g - b : most == g ? b - r : r - g;
    const float start = most == r ? 0.0f : most == g ? 2.0f : 4.0f;
    const float hue = start + between / std::max(1.0f, range) + change.turn;  // in sixths; red is 0, and grey, too
    const float value = std::min(255.0f, most * change.value);
    const float saturation = std::min(1.0f, range / std::max(1.0f, most) * change.saturation);
    blue[i] = value * (1 - saturation * lost_saturation(hue - 4));
    green[i] = value * (1 - saturation * lost_saturation(hue - 2));
    red[i] = value * (1 - saturation * lost_saturation(hue));
  }
}

template <int Channels>
RIDE_INLINE void change_hsv_of(const std::uint8_t* from, const HsvChange& change, std::uint8_t* to,
                               std::size_t pixels) {
  float planes[3][kBlock];
  for (std::size_t first = 0; first < pixels; first += kBlock) {
    const std::size_t count = std::min(kBlock, pixels - first);
    const std::uint8_t* __restrict in = from + first * Channels;
    std::uint8_t* __restrict out = to + first * Channels;
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t c = 0; c < 3; ++c) planes[c][i] = in[i * Channels + c];
    change_block(planes[0], planes[1], planes[2], change, count);
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t c = 0; c < 3; ++c) out[i * Channels + c] = nearest_byte(planes[c][i]);
      if (Channels == 4) out[i * Channels + 3] = in[i * Channels + 3];
    }
  }
}

RIDE_INLINE void change_hsv_in(const std::uint8_t* from, const HsvChange& change, int channels, std::uint8_t* to,
                               std::size_t pixels) {
  if (channels == 3) return change_hsv_of<3>(from, change, to, pixels);
  change_hsv_of<4>(from, change, to, pixels);
}

}  // namespace

RIDE_TWICE(smooth_and_differ,
           (const std::uint8_t* const* rows, const GradientWeights& weights, std::int16_t* smooth,
            std::int16_t* difference, std::size_t length),
           (rows, weights, smooth, difference, length))
RIDE_TWICE(gradient_length,
           (const std::int16_t* smooth, const std::int16_t* difference, const GradientWeights& weights,
            std::ptrdiff_t step, float scale, std::uint8_t* to, std::size_t length),
           (smooth, difference, weights, step, scale, to, length))
RIDE_TWICE(add_rows,
           (const std::uint8_t* above, const std::uint8_t* middle, const std::uint8_t* below, std::int16_t* around,
            std::int16_t* own, std::size_t length),
           (above, middle, below, around, own, length))
RIDE_TWICE(laplace_strength,
           (const std::int16_t* around, const std::int16_t* own, bool corners, std::ptrdiff_t step, float scale,
            std::uint8_t* to, std::size_t length),
           (around, own, corners, step, scale, to, length))
RIDE_TWICE(away_from_mean,
           (const std::uint8_t* values, const std::uint16_t* means, float share, std::uint8_t* to, std::size_t length),
           (values, means, share, to, length))
RIDE_TWICE(times, (const std::uint8_t* values, const float* factors, std::uint8_t* to, std::size_t length),
           (values, factors, to, length))
RIDE_TWICE(times_and_plus,
           (const std::uint8_t* values, const float* factors, const float* addends, std::uint8_t* to,
            std::size_t length),
           (values, factors, addends, to, length))
RIDE_TWICE(add_to_sums, (const std::uint8_t* values, std::uint32_t* sums, std::size_t length), (values, sums, length))
RIDE_TWICE(between_rows, (const float* upper, const float* lower, float share, std::uint8_t* to, std::size_t length),
           (upper, lower, share, to, length))
RIDE_TWICE(find_spots,
           (const Projection& projection, int row, int first, std::size_t count, int cols, int rows, Spots& spots),
           (projection, row, first, count, cols, rows, spots))
RIDE_TWICE(change_hsv,
           (const std::uint8_t* from, const HsvChange& change, int channels, std::uint8_t* to, std::size_t pixels),
           (from, change, channels, to, pixels))

namespace {

template <class Mean>
RIDE_AVX2 void mark_above_mean_avx2(const std::uint8_t* values, const Mean* means, int unit, int limit, std::uint8_t on,
                                    std::uint8_t off, std::uint8_t* to, std::size_t length) {
  mark_above_mean_in(values, means, unit, limit, on, off, to, length);
}
template <class Mean>
void mark_above_mean_any(const std::uint8_t* values, const Mean* means, int unit, int limit, std::uint8_t on,
                         std::uint8_t off, std::uint8_t* to, std::size_t length) {
  mark_above_mean_in(values, means, unit, limit, on, off, to, length);
}

}  // namespace

void mark_above_mean(const std::uint8_t* values, const std::uint16_t* means, int unit, int limit, std::uint8_t on,
                     std::uint8_t off, std::uint8_t* to, std::size_t length) {
  const auto run = has_avx2() ? mark_above_mean_avx2<std::uint16_t> : mark_above_mean_any<std::uint16_t>;
  run(values, means, unit, limit, on, off, to, length);
}
void mark_above_mean(const std::uint8_t* values, const std::int32_t* means, int unit, int limit, std::uint8_t on,
                     std::uint8_t off, std::uint8_t* to, std::size_t length) {
  const auto run = has_avx2() ? mark_above_mean_avx2<std::int32_t> : mark_above_mean_any<std::int32_t>;
  run(values, means, unit, limit, on, off, to, length);
}

}  // namespace ride::tasks
