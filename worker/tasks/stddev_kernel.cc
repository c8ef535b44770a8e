#include "worker/tasks/stddev_kernel.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <opencv2/core.hpp>
#include <opencv2/core/utility.hpp>
#include <type_traits>
#include <vector>

#include "common/check.h"
#include "worker/tasks/avx2.h"
#include "worker/tasks/mirror.h"

namespace ride::tasks {
namespace {

// Column sums of x and x^2. 8U: 255 * 201 fits 16 bits, 255^2 * 201 fits 32. 16U: squares exceed 32 bits; a double
// holds them exactly (65535^2 * 201^2 < 2^53). 32F: doubles.
template <class T>
struct Sums;
template <>
struct Sums<std::uint8_t> {
  using Column1 = std::uint16_t;
  using Column2 = std::uint32_t;
  using Window1 = std::uint32_t;
  using Window2 = std::uint32_t;
};
template <>
struct Sums<std::uint16_t> {
  using Column1 = std::uint32_t;
  using Column2 = double;
  using Window1 = std::uint32_t;
  using Window2 = double;
};
template <>
struct Sums<float> {
  using Column1 = double;
  using Column2 = double;
  using Window1 = double;
  using Window2 = double;
};

// --- Columns: one row goes in, one goes out. -----------------------------------------------------------------------

RIDE_INLINE void slide(const std::uint8_t* __restrict in, const std::uint8_t* __restrict out,
                       std::uint16_t* __restrict c1, std::uint32_t* __restrict c2, int length) {
  for (int x = 0; x < length; ++x) {
    c1[x] = static_cast<std::uint16_t>(c1[x] + in[x] - out[x]);
    // a^2 - b^2 from two squares, each of 16 bits, so that they are found in narrow lanes.
    const auto plus = static_cast<std::uint16_t>(in[x] * in[x]);
    const auto minus = static_cast<std::uint16_t>(out[x] * out[x]);
    c2[x] += static_cast<std::uint32_t>(plus) - static_cast<std::uint32_t>(minus);
  }
}

RIDE_INLINE void slide(const std::uint16_t* __restrict in, const std::uint16_t* __restrict out,
                       std::uint32_t* __restrict c1, double* __restrict c2, int length) {
  for (int x = 0; x < length; ++x) {
    c1[x] += static_cast<std::uint32_t>(in[x]) - static_cast<std::uint32_t>(out[x]);
    const double a = in[x], b = out[x];
    c2[x] += a * a - b * b;
  }
}

template <class T, class C1, class C2>
RIDE_INLINE void add_row(const T* __restrict in, C1* __restrict c1, C2* __restrict c2, int length) {
  for (int x = 0; x < length; ++x) {
    c1[x] = static_cast<C1>(c1[x] + in[x]);
    const auto value = static_cast<C2>(in[x]);
    c2[x] += value * value;
  }
}

// --- Windows ---------------------------------------------------------------------------------------------------------

// 8U and windows of up to 15: sums of x stay in 16 bits (15^2 * 255 = 57375), and n S2 - S1^2 = n^2 variance, at most
// 225^2 * 127.5^2 < 2^31, is exact in 32 bits although its parts may wrap.
template <int K>
RIDE_INLINE void windows_8u(const std::uint16_t* __restrict c1, const std::uint32_t* __restrict c2,
                            std::uint8_t* __restrict out, int length, int step) {
  constexpr std::uint32_t kCount = K * K;
  constexpr float kInverse = 1.0f / kCount;
  for (int x = 0; x < length; ++x) {
    std::uint16_t narrow = 0;
    std::uint32_t s2 = 0;
    for (int i = 0; i < K; ++i) narrow = static_cast<std::uint16_t>(narrow + c1[x + i * step]);
    for (int i = 0; i < K; ++i) s2 += c2[x + i * step];
    const std::uint32_t s1 = narrow;
    const auto scaled = static_cast<std::int32_t>(kCount * s2 - s1 * s1);
    const float deviation = std::sqrt(static_cast<float>(scaled)) * kInverse;
    // Never negative; lround would not become a vector instruction. NOLINTNEXTLINE(bugprone-incorrect-roundings)
    out[x] = static_cast<std::uint8_t>(static_cast<std::int32_t>(deviation + 0.5f));
  }
}

// Sums over `count` neighbours, `step` apart, by doubling (in vectors faster than a sum that slides): parts of 1, 2, 4,
// .. are added where `count` has that bit. `part` and `next` are scratch of the same length as the input.
template <class C, class W>
RIDE_INLINE void window_sums(const C* __restrict columns, W* __restrict sums, W* part, W* next, int length, int padded,
                             int count, int step) {
  for (int x = 0; x < padded; ++x) part[x] = static_cast<W>(columns[x]);
  std::fill(sums, sums + length, W{});
  int covered = 0;
  for (int width = 1; width <= count; width *= 2) {
    if (count & width) {
      const W* __restrict from = part + covered * step;
      for (int x = 0; x < length; ++x) sums[x] += from[x];
      covered += width;
    }
    if (2 * width > count) break;
    const int reach = width * step;
    const W* __restrict a = part;
    W* __restrict b = next;
    for (int x = 0; x < padded - reach - (reach - step); ++x) b[x] = a[x] + a[x + reach];
    std::swap(part, next);
  }
}

template <class T>
RIDE_INLINE T rounded(double deviation) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(deviation);
  } else {
    // NOLINTNEXTLINE(bugprone-incorrect-roundings): as above
    return static_cast<T>(static_cast<std::int32_t>(deviation + 0.5));
  }
}

template <class T, class W1, class W2>
RIDE_INLINE void deviations(const W1* __restrict s1, const W2* __restrict s2, T* __restrict out, int length,
                            int ksize) {
  const double count = static_cast<double>(ksize) * ksize;
  const double inverse = 1.0 / count;
  for (int x = 0; x < length; ++x) {
    // Rounding can leave a hair below zero; written so that NaN stays NaN.
    const double sum = static_cast<double>(s1[x]);
    const double scaled = count * static_cast<double>(s2[x]) - sum * sum;
    out[x] = rounded<T>(std::sqrt(scaled < 0 ? 0.0 : scaled) * inverse);
  }
}

// --- A stripe of rows -----------------------------------------------------------------------------------------------

template <class T>
struct Scratch {
  using S = Sums<T>;
  std::vector<typename S::Column1> column1, padded1;
  std::vector<typename S::Column2> column2, padded2;
  std::vector<typename S::Window1> sums1, part1, next1;
  std::vector<typename S::Window2> sums2, part2, next2;

  Scratch(int length, int padded)
      : column1(length),
        padded1(padded),
        column2(length),
        padded2(padded),
        sums1(length),
        part1(padded),
        next1(padded),
        sums2(length),
        part2(padded),
        next2(padded) {}
};

template <class C>
void pad(const std::vector<C>& row, std::vector<C>& padded, int cols, int channels, int radius) {
  C* inner = padded.data() + static_cast<std::ptrdiff_t>(radius) * channels;
  std::copy(row.begin(), row.end(), inner);
  mirror_ends(inner, cols, channels, radius);
}

template <class T>
RIDE_INLINE void one_row(Scratch<T>& s, T* out, int length, int padded, int ksize, int channels) {
  if constexpr (std::is_same_v<T, std::uint8_t>) {
    const auto* c1 = s.padded1.data();
    const auto* c2 = s.padded2.data();
    switch (ksize) {
      case 3:
        return windows_8u<3>(c1, c2, out, length, channels);
      case 5:
        return windows_8u<5>(c1, c2, out, length, channels);
      case 7:
        return windows_8u<7>(c1, c2, out, length, channels);
      case 9:
        return windows_8u<9>(c1, c2, out, length, channels);
      case 11:
        return windows_8u<11>(c1, c2, out, length, channels);
      case 13:
        return windows_8u<13>(c1, c2, out, length, channels);
      case 15:
        return windows_8u<15>(c1, c2, out, length, channels);
    }
  }
  window_sums(s.padded1.data(), s.sums1.data(), s.part1.data(), s.next1.data(), length, padded, ksize, channels);
  window_sums(s.padded2.data(), s.sums2.data(), s.part2.data(), s.next2.data(), length, padded, ksize, channels);
  deviations(s.sums1.data(), s.sums2.data(), out, length, ksize);
}

template <class T>
RIDE_INLINE void stripe(const cv::Mat& in, cv::Mat& out, int ksize, int first, int last) {
  const int channels = in.channels(), radius = ksize / 2;
  const int length = in.cols * channels, padded = (in.cols + 2 * radius) * channels;
  Scratch<T> s(length, padded);
  const auto row = [&](int y) { return in.ptr<T>(mirrored(y, in.rows)); };
  for (int y = first; y < last; ++y) {
    // Floats start anew at each row: what is added and taken away again would leave rounding, or NaN, behind.
    if (y == first || std::is_floating_point_v<T>) {
      std::fill(s.column1.begin(), s.column1.end(), 0);
      std::fill(s.column2.begin(), s.column2.end(), 0);
      for (int i = -radius; i <= radius; ++i) add_row(row(y + i), s.column1.data(), s.column2.data(), length);
    } else if constexpr (!std::is_floating_point_v<T>) {
      slide(row(y + radius), row(y - 1 - radius), s.column1.data(), s.column2.data(), length);
    }
    pad(s.column1, s.padded1, in.cols, channels, radius);
    pad(s.column2, s.padded2, in.cols, channels, radius);
    one_row(s, out.ptr<T>(y), length, padded, ksize, channels);
  }
}

template <class T>
RIDE_AVX2 void stripe_avx2(const cv::Mat& in, cv::Mat& out, int ksize, int first, int last) {
  stripe<T>(in, out, ksize, first, last);
}

template <class T>
void stripe_any(const cv::Mat& in, cv::Mat& out, int ksize, int first, int last) {
  stripe<T>(in, out, ksize, first, last);
}

template <class T>
void all_stripes(const cv::Mat& in, cv::Mat& out, int ksize, int threads) {
  const auto run = has_avx2() ? stripe_avx2<T> : stripe_any<T>;
  // A stripe starts with ksize rows of its own, so it should have several times as many.
  const int stripes = std::clamp(in.rows / (4 * ksize), 1, std::max(1, threads));
  cv::parallel_for_(
      cv::Range(0, stripes),
      [&](const cv::Range& range) {
        for (int i = range.start; i < range.end; ++i) {
          const auto edge = [&](int n) { return static_cast<int>(static_cast<std::int64_t>(in.rows) * n / stripes); };
          run(in, out, ksize, edge(i), edge(i + 1));
        }
      },
      stripes);
}

}  // namespace

void local_stddev(const cv::Mat& in, cv::Mat& out, int ksize, int threads) {
  RIDE_CHECK(out.size() == in.size() && out.type() == in.type() && out.data != in.data,
             "the output is not its own picture");
  RIDE_CHECK(ksize % 2 == 1 && ksize >= 1 && ksize <= 201, "the sums are proved for odd windows up to 201");
  switch (in.depth()) {
    case CV_8U:
      return all_stripes<std::uint8_t>(in, out, ksize, threads);
    case CV_16U:
      return all_stripes<std::uint16_t>(in, out, ksize, threads);
    case CV_32F:
      return all_stripes<float>(in, out, ksize, threads);
    default:
      RIDE_CHECK(false, "a depth that the task refuses");
  }
}

}  // namespace ride::tasks
