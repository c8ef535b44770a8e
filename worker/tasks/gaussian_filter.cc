#include "worker/tasks/gaussian_filter.h"

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/core/utility.hpp>

#include "common/check.h"
#include "worker/tasks/avx2.h"
#include "worker/tasks/float_rows.h"
#include "worker/tasks/mirror.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

namespace ride::tasks {
namespace {

// Between the two directions a value v is (v - 128) * 2^7: 16 bits with a sign, and the sum of two of them, too.
constexpr int kMiddle = 128, kBetweenShift = 7;
// Of the weights downwards: 255 * 2^22 fits 32 bits. Across: 2^14 * 2^16.
constexpr int kMostShiftDown = 22, kMostShiftAcross = 16;
// Small windows have fewer steps for each value: products of 16 bits, rounded to 16 bits. A value v between the two
// directions is v * 2^6, and so is each of the products; they are at most 6, each within 1/2, in each direction: within
// 1/10 grey level.
constexpr int kMostSmallReach = 5, kSmallBetweenShift = 6, kSmallShift = 15;

struct Pass {
  explicit Pass(const GaussianWeights& from) : weights(from.weights), shift(from.shift) {
    for (std::size_t k = 0; k < weights.size(); k += 2) {
      const auto low = static_cast<std::uint16_t>(weights[k]);
      const auto high = k + 1 < weights.size() ? static_cast<std::uint16_t>(weights[k + 1]) : std::uint16_t{0};
      pairs.push_back(static_cast<std::int32_t>(low | static_cast<std::uint32_t>(high) << 16));
    }
  }
  int reach() const { return static_cast<int>(weights.size()) - 1; }

  const std::vector<std::int16_t>& weights;
  std::vector<std::int32_t> pairs;  // two weights as one word, as pmaddwd takes them; behind the last one stands 0
  int shift;
};

// --- Downwards: rows of bytes to a row of 16 bits ------------------------------------------------------------------

// `rows`: the one of the result in the middle, with reach() rows on each side.
std::int16_t down_at(const std::uint8_t* const* rows, const Pass& pass, int x) {
  std::int32_t sum = (1 << (pass.shift - kBetweenShift - 1)) - (kMiddle << pass.shift) + pass.weights[0] * rows[0][x];
  for (int k = 1; k <= pass.reach(); ++k) sum += pass.weights[k] * (rows[-k][x] + rows[k][x]);
  return static_cast<std::int16_t>(sum >> (pass.shift - kBetweenShift));
}

// --- Across: a padded row of 16 bits to values ---------------------------------------------------------------------

// (v - 128) * 2^(7 + shift)
std::int32_t across_at(const std::int16_t* row, const Pass& pass, int step, int x) {
  std::int32_t sum = pass.weights[0] * row[x];
  for (int k = 1; k <= pass.reach(); ++k) sum += pass.weights[k] * (row[x - k * step] + row[x + k * step]);
  return sum;
}

int fraction_bits(const std::uint8_t*) { return 0; }
int fraction_bits(const std::uint16_t*) { return 8; }

template <class Value>
Value rounded_value(std::int32_t sum, int shift) {
  const int bits = fraction_bits(static_cast<const Value*>(nullptr));
  const int drop = shift + kBetweenShift - bits;
  return static_cast<Value>(((sum + (1 << (drop - 1))) >> drop) + (kMiddle << bits));
}

void down_any(const std::uint8_t* const* rows, const Pass& pass, int first, int last, std::int16_t* to) {
  for (int x = first; x < last; ++x) to[x] = down_at(rows, pass, x);
}

template <class Value>
void across_any(const std::int16_t* row, const Pass& pass, int step, Value* to, int length) {
  for (int x = 0; x < length; ++x) to[x] = rounded_value<Value>(across_at(row, pass, step, x), pass.shift);
}

// --- Small windows: rows of bytes to a row of 16 bits, and that to bytes ---------------------------------------------

// Of values below 2^15 and weights of kSmallShift, as pmulhrsw rounds it.
int small_product(int value, int weight) { return (value * weight + (1 << (kSmallShift - 1))) >> kSmallShift; }

void small_down_any(const std::uint8_t* const* rows, const Pass& pass, int first, int last, std::int16_t* to) {
  for (int x = first; x < last; ++x) {
    int sum = small_product(rows[0][x] << kSmallBetweenShift, pass.weights[0]);
    for (int k = 1; k <= pass.reach(); ++k)
      sum += small_product((rows[-k][x] + rows[k][x]) << kSmallBetweenShift, pass.weights[k]);
    to[x] = static_cast<std::int16_t>(sum);
  }
}

// From steps of 2^-6 to those of the result.
void put_small(int sum, std::uint8_t& to) {
  to = static_cast<std::uint8_t>(std::min(255, (sum + (1 << (kSmallBetweenShift - 1))) >> kSmallBetweenShift));
}
void put_small(int sum, std::uint16_t& to) {
  to = static_cast<std::uint16_t>(sum << (fraction_bits(&to) - kSmallBetweenShift));
}

template <class Value>
void small_across_any(const std::int16_t* row, const Pass& pass, int step, Value* to, int length) {
  for (int x = 0; x < length; ++x) {
    int sum = small_product(row[x], pass.weights[0]);
    for (int k = 1; k <= pass.reach(); ++k)
      sum += small_product(row[x - k * step] + row[x + k * step], pass.weights[k]);
    put_small(sum, to[x]);
  }
}

#if defined(__x86_64__) && defined(__GNUC__)

RIDE_INLINE __attribute__((target("avx2"))) __m256i load(const void* from) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(from));
}
RIDE_INLINE __attribute__((target("avx2"))) void store(void* to, __m256i value) {
  _mm256_storeu_si256(static_cast<__m256i*>(to), value);
}

// Adds two taps, of 16 bits each, to sums of 32 bits: `low` of the first half of each 128 bits, `high` of the second.
RIDE_INLINE __attribute__((target("avx2"))) void add_pair(__m256i one, __m256i next, __m256i weights, __m256i& low,
                                                          __m256i& high) {
  low = _mm256_add_epi32(low, _mm256_madd_epi16(_mm256_unpacklo_epi16(one, next), weights));
  high = _mm256_add_epi32(high, _mm256_madd_epi16(_mm256_unpackhi_epi16(one, next), weights));
}

// 32 values. Unpacked bytes are 0-7 and 16-23 in one register, 8-15 and 24-31 in the other.
RIDE_AVX2 void down_32(const std::uint8_t* const* rows, const Pass& pass, int x, std::int16_t* to) {
  const int drop = pass.shift - kBetweenShift, reach = pass.reach();
  const __m256i ones = _mm256_set1_epi8(1), zeros = _mm256_setzero_si256();
  __m256i a, b, c, d;
  a = b = c = d = _mm256_set1_epi32((1 << (drop - 1)) - (kMiddle << pass.shift));
  for (int k = 0; k <= reach; k += 2) {
    const int next = std::min(k + 1, reach);  // behind the last one the weight is 0
    const __m256i above = load(rows[-k] + x), below = k == 0 ? zeros : load(rows[k] + x);
    const __m256i far_above = load(rows[-next] + x), far_below = load(rows[next] + x);
    const __m256i weights = _mm256_set1_epi32(pass.pairs[static_cast<std::size_t>(k) / 2]);
    // Bytes of both sides next to each other, and added.
    add_pair(_mm256_maddubs_epi16(_mm256_unpacklo_epi8(above, below), ones),
             _mm256_maddubs_epi16(_mm256_unpacklo_epi8(far_above, far_below), ones), weights, a, b);
    add_pair(_mm256_maddubs_epi16(_mm256_unpackhi_epi8(above, below), ones),
             _mm256_maddubs_epi16(_mm256_unpackhi_epi8(far_above, far_below), ones), weights, c, d);
  }
  const __m128i by = _mm_cvtsi32_si128(drop);
  const __m256i low = _mm256_packs_epi32(_mm256_sra_epi32(a, by), _mm256_sra_epi32(b, by));
  const __m256i high = _mm256_packs_epi32(_mm256_sra_epi32(c, by), _mm256_sra_epi32(d, by));
  store(to + x, _mm256_permute2x128_si256(low, high, 0x20));
  store(to + x + 16, _mm256_permute2x128_si256(low, high, 0x31));
}

// Vectors may overlap: what is computed twice is the same.
RIDE_AVX2 void down_avx2(const std::uint8_t* const* rows, const Pass& pass, int first, int last, std::int16_t* to) {
  if (last - first < 32) return down_any(rows, pass, first, last, to);
  for (int x = first; x < last; x += 32) down_32(rows, pass, std::min(x, last - 32), to);
}

RIDE_INLINE __attribute__((target("avx2"))) void store_values(__m256i low, __m256i high, std::uint16_t* to) {
  const __m256i sign = _mm256_set1_epi16(static_cast<std::int16_t>(0x8000));
  store(to, _mm256_xor_si256(low, sign));
  store(to + 16, _mm256_xor_si256(high, sign));
}
RIDE_INLINE __attribute__((target("avx2"))) void store_values(__m256i low, __m256i high, std::uint8_t* to) {
  const __m256i bytes = _mm256_permute4x64_epi64(_mm256_packs_epi16(low, high), 0xd8);
  store(to, _mm256_xor_si256(bytes, _mm256_set1_epi8(static_cast<char>(0x80))));
}

template <class Value>
RIDE_AVX2 void across_32(const std::int16_t* row, const Pass& pass, int step, Value* to) {
  const int drop = pass.shift + kBetweenShift - fraction_bits(to), reach = pass.reach();
  __m256i a, b, c, d;
  a = b = c = d = _mm256_set1_epi32(1 << (drop - 1));
  for (int k = 0; k <= reach; k += 2) {
    const __m256i weights = _mm256_set1_epi32(pass.pairs[static_cast<std::size_t>(k) / 2]);
    const std::ptrdiff_t near = std::ptrdiff_t{k} * step, far = std::ptrdiff_t{std::min(k + 1, reach)} * step;
    __m256i one = load(row - near), second = load(row - near + 16);
    if (k > 0) {
      one = _mm256_add_epi16(one, load(row + near));
      second = _mm256_add_epi16(second, load(row + near + 16));
    }
    add_pair(one, _mm256_add_epi16(load(row - far), load(row + far)), weights, a, b);
    add_pair(second, _mm256_add_epi16(load(row - far + 16), load(row + far + 16)), weights, c, d);
  }
  const __m128i by = _mm_cvtsi32_si128(drop);
  store_values(_mm256_packs_epi32(_mm256_sra_epi32(a, by), _mm256_sra_epi32(b, by)),
               _mm256_packs_epi32(_mm256_sra_epi32(c, by), _mm256_sra_epi32(d, by)), to);
}

template <class Value>
RIDE_AVX2 void across_avx2(const std::int16_t* row, const Pass& pass, int step, Value* to, int length) {
  if (length < 32) return across_any(row, pass, step, to, length);
  for (int x = 0; x < length; x += 32) {
    const int at = std::min(x, length - 32);
    across_32(row + at, pass, step, to + at);
  }
}

// Of bytes that stand next to each other: times the weight, to the sums of the first and second half of each 128 bits.
RIDE_INLINE __attribute__((target("avx2"))) void add_small_pair(__m256i above, __m256i below, std::int16_t weight,
                                                                __m256i& low, __m256i& high) {
  const __m256i times = _mm256_set1_epi8(1 << kSmallBetweenShift), weights = _mm256_set1_epi16(weight);
  const __m256i first = _mm256_maddubs_epi16(_mm256_unpacklo_epi8(above, below), times);
  const __m256i second = _mm256_maddubs_epi16(_mm256_unpackhi_epi8(above, below), times);
  low = _mm256_add_epi16(low, _mm256_mulhrs_epi16(first, weights));
  high = _mm256_add_epi16(high, _mm256_mulhrs_epi16(second, weights));
}

template <int Reach>
RIDE_INLINE __attribute__((target("avx2"))) void small_down_32(const std::uint8_t* const* rows, const Pass& pass, int x,
                                                               std::int16_t* to) {
  const __m256i zeros = _mm256_setzero_si256();
  __m256i low = zeros, high = zeros;
  add_small_pair(load(rows[0] + x), zeros, pass.weights[0], low, high);
  for (int k = 1; k <= Reach; ++k) add_small_pair(load(rows[-k] + x), load(rows[k] + x), pass.weights[k], low, high);
  store(to + x, _mm256_permute2x128_si256(low, high, 0x20));
  store(to + x + 16, _mm256_permute2x128_si256(low, high, 0x31));
}

template <int Reach>
RIDE_INLINE __attribute__((target("avx2"))) __m256i small_across_16(const std::int16_t* row, const Pass& pass,
                                                                    int step) {
  __m256i sum = _mm256_mulhrs_epi16(load(row), _mm256_set1_epi16(pass.weights[0]));
  for (std::ptrdiff_t k = 1; k <= Reach; ++k)
    sum = _mm256_add_epi16(sum, _mm256_mulhrs_epi16(_mm256_add_epi16(load(row - k * step), load(row + k * step)),
                                                    _mm256_set1_epi16(pass.weights[k])));
  return sum;
}

RIDE_INLINE __attribute__((target("avx2"))) void store_small(__m256i low, __m256i high, std::uint8_t* to) {
  const __m256i half = _mm256_set1_epi16(1 << (kSmallBetweenShift - 1));
  const __m256i bytes = _mm256_packus_epi16(_mm256_srai_epi16(_mm256_add_epi16(low, half), kSmallBetweenShift),
                                            _mm256_srai_epi16(_mm256_add_epi16(high, half), kSmallBetweenShift));
  store(to, _mm256_permute4x64_epi64(bytes, 0xd8));
}
RIDE_INLINE __attribute__((target("avx2"))) void store_small(__m256i low, __m256i high, std::uint16_t* to) {
  store(to, _mm256_slli_epi16(low, 8 - kSmallBetweenShift));
  store(to + 16, _mm256_slli_epi16(high, 8 - kSmallBetweenShift));
}

template <int Reach>
RIDE_AVX2 void small_down_of(const std::uint8_t* const* rows, const Pass& pass, int first, int last, std::int16_t* to) {
  for (int x = first; x < last; x += 32) small_down_32<Reach>(rows, pass, std::min(x, last - 32), to);
}
template <int Reach, class Value>
RIDE_AVX2 void small_across_of(const std::int16_t* row, const Pass& pass, int step, Value* to, int length) {
  for (int x = 0; x < length; x += 32) {
    const int at = std::min(x, length - 32);
    store_small(small_across_16<Reach>(row + at, pass, step), small_across_16<Reach>(row + at + 16, pass, step),
                to + at);
  }
}

// By the window's reach, so that the compiler unrolls the loops over it.
void small_down_avx2(const std::uint8_t* const* rows, const Pass& pass, int first, int last, std::int16_t* to) {
  constexpr decltype(&small_down_any) kOf[] = {small_down_of<0>, small_down_of<1>, small_down_of<2>,
                                               small_down_of<3>, small_down_of<4>, small_down_of<5>};
  (last - first < 32 ? small_down_any : kOf[pass.reach()])(rows, pass, first, last, to);
}
template <class Value>
void small_across_avx2(const std::int16_t* row, const Pass& pass, int step, Value* to, int length) {
  constexpr decltype(&small_across_any<Value>) kOf[] = {small_across_of<0, Value>, small_across_of<1, Value>,
                                                        small_across_of<2, Value>, small_across_of<3, Value>,
                                                        small_across_of<4, Value>, small_across_of<5, Value>};
  (length < 32 ? small_across_any<Value> : kOf[pass.reach()])(row, pass, step, to, length);
}

#else

void small_down_avx2(const std::uint8_t* const* rows, const Pass& pass, int first, int last, std::int16_t* to) {
  small_down_any(rows, pass, first, last, to);
}
template <class Value>
void small_across_avx2(const std::int16_t* row, const Pass& pass, int step, Value* to, int length) {
  small_across_any(row, pass, step, to, length);
}
void down_avx2(const std::uint8_t* const* rows, const Pass& pass, int first, int last, std::int16_t* to) {
  down_any(rows, pass, first, last, to);
}
template <class Value>
void across_avx2(const std::int16_t* row, const Pass& pass, int step, Value* to, int length) {
  across_any(row, pass, step, to, length);
}

#endif

// --- Blocks of rows --------------------------------------------------------------------------------------------------

constexpr int kBlockValues = 1 << 16;  // of a block between the two directions: with its sources it stays in the cache
constexpr int kLeastBlockRows = 8, kMostBlockRows = 32, kChunk = 512;

// How the two directions of a window are computed.
template <class Value>
struct GaussianKernel {
  void (*down)(const std::uint8_t* const* rows, const Pass& pass, int first, int last, std::int16_t* to);
  void (*across)(const std::int16_t* row, const Pass& pass, int step, Value* to, int length);
};

template <class Value>
void filter_rows(const cv::Mat& in, int first, int last, const Pass& down, const Pass& across,
                 const GaussianKernel<Value>& kernel, cv::Mat& to) {
  const int channels = in.channels(), length = in.cols * channels, reach = down.reach();
  const std::ptrdiff_t before = static_cast<std::ptrdiff_t>(reach) * channels, stride = length + 2 * before;
  const int block = std::clamp(kBlockValues / length, kLeastBlockRows, kMostBlockRows);
  std::vector<std::int16_t> between(static_cast<std::size_t>(stride) * block);
  std::vector<const std::uint8_t*> sources(block + 2 * reach);
  for (int top = first; top < last; top += block) {
    const int rows = std::min(block, last - top);
    for (int i = 0; i < rows + 2 * reach; ++i) sources[i] = in.ptr(mirrored(top - reach + i, in.rows));
    for (int x = 0; x < length; x += kChunk) {
      for (int row = 0; row < rows; ++row) {
        kernel.down(sources.data() + reach + row, down, x, std::min(x + kChunk, length),
                    between.data() + row * stride + before);
      }
    }
    for (int row = 0; row < rows; ++row) {
      std::int16_t* line = between.data() + row * stride + before;
      mirror_ends(line, in.cols, channels, reach);
      kernel.across(line, across, channels, to.ptr<Value>(top - first + row), length);
    }
  }
}

template <class Value>
GaussianKernel<Value> kernel_for_any_window() {
  return has_avx2() ? GaussianKernel<Value>{down_avx2, across_avx2<Value>}
                    : GaussianKernel<Value>{down_any, across_any<Value>};
}
template <class Value>
GaussianKernel<Value> kernel_for_small_windows() {
  return has_avx2() ? GaussianKernel<Value>{small_down_avx2, small_across_avx2<Value>}
                    : GaussianKernel<Value>{small_down_any, small_across_any<Value>};
}

}  // namespace

namespace {

// Of the middle, and of one pixel at each distance from it.
std::vector<double> exact_weights(int ksize, double sigma) {
  std::vector<double> exact;
  double total = 0;
  for (int d = 0; d <= ksize / 2; ++d) {
    exact.push_back(std::exp(-0.5 * (d / sigma) * (d / sigma)));
    total += exact.back() * (d == 0 ? 1 : 2);
  }
  for (double& weight : exact) weight /= total;
  return exact;
}

}  // namespace

GaussianWeights gaussian_weights(int ksize, double sigma, int most_shift) {
  RIDE_CHECK(ksize % 2 == 1 && ksize >= 1 && ksize <= 201 && sigma > 0, "a window that the sums are not proved for");
  const int radius = ksize / 2;
  const auto exact = exact_weights(ksize, sigma);
  GaussianWeights found;
  for (found.shift = most_shift;; --found.shift) {
    const int one = 1 << found.shift;
    int middle = one;
    found.weights.assign(1, 0);
    for (int d = 1; d <= radius; ++d) {
      const auto weight = static_cast<std::int16_t>(std::min(32767L, std::lround(exact[d] * one)));
      found.weights.push_back(weight);
      middle -= 2 * weight;
    }
    if (middle > 32767) continue;  // as the largest; the others are then below, too
    found.weights[0] = static_cast<std::int16_t>(middle);
    return found;
  }
}

GaussianFilter::GaussianFilter(int ksize, double sigma)
    : down_(gaussian_weights(ksize, sigma, kMostShiftDown)),
      across_(gaussian_weights(ksize, sigma, kMostShiftAcross)),
      small_(gaussian_weights(ksize, sigma, kSmallShift)) {}

void GaussianFilter::rows(const cv::Mat& in, int first, int last, cv::Mat& to, Steps steps) const {
  RIDE_CHECK(in.depth() == CV_8U && to.rows == last - first && to.cols == in.cols && to.channels() == in.channels(),
             "the result does not fit the picture");
  const Pass down(down_), across(across_), small(small_);
  // A lower shift: the middle's weight is nearly 1, and does not fit into 16 bits otherwise.
  const bool is_small = small.reach() <= kMostSmallReach && small.shift == kSmallShift;
  if (to.depth() == CV_8U && is_small)
    return filter_rows(in, first, last, small, small, kernel_for_small_windows<std::uint8_t>(), to);
  if (to.depth() == CV_8U) return filter_rows(in, first, last, down, across, kernel_for_any_window<std::uint8_t>(), to);
  RIDE_CHECK(to.depth() == CV_16U, "a depth that the filter does not give");
  if (steps == Steps::coarse && is_small)
    return filter_rows(in, first, last, small, small, kernel_for_small_windows<std::uint16_t>(), to);
  filter_rows(in, first, last, down, across, kernel_for_any_window<std::uint16_t>(), to);
}

namespace {

// work(first, last) for parts of the rows, each on a thread.
template <class Work>
void in_parts(int rows, int threads, Work work) {
  constexpr int kLeastRows = 32;  // fewer are not worth a thread
  const int parts = std::clamp(rows / kLeastRows, 1, std::max(1, threads));
  const auto edge = [=](int n) { return static_cast<int>(static_cast<std::int64_t>(rows) * n / parts); };
  cv::parallel_for_(
      cv::Range(0, parts),
      [&](const cv::Range& range) {
        for (int i = range.start; i < range.end; ++i) work(edge(i), edge(i + 1));
      },
      parts);
}

}  // namespace

void GaussianFilter::whole(const cv::Mat& in, cv::Mat& to, int threads) const {
  in_parts(in.rows, threads, [&](int first, int last) {
    cv::Mat part = to.rowRange(first, last);
    rows(in, first, last, part);
  });
}

void GaussianFilter::strips(const cv::Mat& in, int threads,
                            const std::function<void(int top, const cv::Mat& means)>& take, Steps steps) const {
  const int strip = std::clamp(kBlockValues / (in.cols * in.channels()), kLeastBlockRows, kMostBlockRows);
  in_parts(in.rows, threads, [&](int first, int last) {
    cv::Mat means(std::min(strip, last - first), in.cols, CV_MAKETYPE(CV_16U, in.channels()));
    for (int top = first; top < last; top += strip) {
      const int end = std::min(last, top + strip);
      cv::Mat part = means.rowRange(0, end - top);
      rows(in, top, end, part, steps);
      take(top, part);
    }
  });
}

void gaussian_floats(const cv::Mat& in, int ksize, double sigma, cv::Mat& to, int threads) {
  RIDE_CHECK(in.depth() == CV_32F && to.type() == in.type() && to.size() == in.size(), "the result does not fit");
  RIDE_CHECK(ksize % 2 == 1 && ksize >= 1 && sigma > 0, "no window");
  const auto exact = exact_weights(ksize, sigma);
  const std::vector<float> weights(exact.begin(), exact.end());
  const int channels = in.channels(), reach = ksize / 2;
  const std::size_t length = static_cast<std::size_t>(in.cols) * channels;
  const std::size_t before = static_cast<std::size_t>(reach) * channels;
  in_parts(in.rows, threads, [&](int first, int last) {
    std::vector<float> padded(length + 2 * before);
    float* const line = padded.data() + before;
    const auto row = [&](int y) { return in.ptr<float>(mirrored(y, in.rows)); };
    for (int y = first; y < last; ++y) {
      weighted(row(y), weights[0], line, length);
      for (int k = 1; k <= reach; ++k) add_weighted(row(y - k), row(y + k), weights[k], line, length);
      mirror_ends(line, in.cols, channels, reach);
      float* const result = to.ptr<float>(y);
      weighted(line, weights[0], result, length);
      for (int k = 1; k <= reach; ++k) {
        const std::ptrdiff_t away = std::ptrdiff_t{k} * channels;
        add_weighted(line - away, line + away, weights[k], result, length);
      }
    }
  });
}

}  // namespace ride::tasks
