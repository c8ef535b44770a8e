#include "worker/tasks/warp.h"

#include <algorithm>
#include <cstring>

#include "worker/tasks/avx2.h"
#include "worker/tasks/bilinear.h"
#include "worker/tasks/planes.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

namespace ride::tasks {
namespace {

constexpr int kStrip = 64;  // rows that a thread computes at once

// Between the columns a value v is v * 2^7, so that it and a weight of the rows fit 16 bits with a sign.
constexpr int kColumnsDrop = 7, kRowsDrop = 14 + 14 - kColumnsDrop;

// Where the bytes of a picture lie; by value, since what is written might else change it.
struct WarpSource {
  const std::uint8_t* data;
  std::size_t step;

  // The first of the four pixels around a spot.
  template <int Channels>
  const std::uint8_t* at(const Spots& spots, std::size_t i) const {
    return data + static_cast<std::size_t>(spots.top[i]) * step + static_cast<std::size_t>(spots.left[i]) * Channels;
  }
};

int mixed(int first, int second, std::int32_t weights) { return first * (weights & 0xffff) + second * (weights >> 16); }

template <int Channels>
void mix_any(const WarpSource in, const Spots& spots, std::size_t first, std::size_t last, std::uint8_t* to) {
  for (std::size_t i = first; i < last; ++i) {
    const std::uint8_t *upper = in.at<Channels>(spots, i), *lower = upper + in.step;
    for (int c = 0; c < Channels; ++c) {
      const int above = mixed(upper[c], upper[Channels + c], spots.columns[i]) >> kColumnsDrop;
      const int below = mixed(lower[c], lower[Channels + c], spots.columns[i]) >> kColumnsDrop;
      *to++ = static_cast<std::uint8_t>((mixed(above, below, spots.rows[i]) + (1 << (kRowsDrop - 1))) >> kRowsDrop);
    }
  }
}

#if defined(__x86_64__) && defined(__GNUC__)

// 3 or 4 channels. With 3, 8 bytes are read where 6 count: two columns are behind the first.
template <int Channels>
RIDE_AVX2 void mix_avx2(const WarpSource in, const Spots& spots, std::size_t first, std::size_t last,
                        std::uint8_t* to) {
  // The values of one channel of both columns next to each other, in 16 bits.
  const __m128i by_channel = Channels == 3 ? _mm_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1)
                                           : _mm_setr_epi8(0, -1, 4, -1, 1, -1, 5, -1, 2, -1, 6, -1, 3, -1, 7, -1);
  const __m128i half = _mm_set1_epi32(1 << (kRowsDrop - 1));
  for (std::size_t i = first; i < last; ++i, to += Channels) {
    const std::uint8_t* upper = in.at<Channels>(spots, i);
    const __m128i columns = _mm_set1_epi32(spots.columns[i]);
    __m128i above = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(upper));
    __m128i below = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(upper + in.step));
    above = _mm_srli_epi32(_mm_madd_epi16(_mm_shuffle_epi8(above, by_channel), columns), kColumnsDrop);
    below = _mm_srli_epi32(_mm_madd_epi16(_mm_shuffle_epi8(below, by_channel), columns), kColumnsDrop);
    const __m128i both = _mm_or_si128(above, _mm_slli_epi32(below, 16));
    __m128i values = _mm_add_epi32(_mm_madd_epi16(both, _mm_set1_epi32(spots.rows[i])), half);
    values = _mm_srli_epi32(values, kRowsDrop);
    values = _mm_packs_epi32(values, values);
    const int bytes = _mm_cvtsi128_si32(_mm_packus_epi16(values, values));
    std::memcpy(to, &bytes, Channels);
  }
}

#else

template <int Channels>
void mix_avx2(const WarpSource in, const Spots& spots, std::size_t first, std::size_t last, std::uint8_t* to) {
  mix_any<Channels>(in, spots, first, last, to);
}

#endif

// Of spots that are inside.
template <int Channels>
void mix(const WarpSource in, const Spots& spots, std::size_t first, std::size_t last, std::uint8_t* to) {
  if (Channels >= 3 && has_avx2()) return mix_avx2<Channels>(in, spots, first, last, to);
  mix_any<Channels>(in, spots, first, last, to);
}

template <class Value, int Channels>
void fill(const cv::Mat& in, const Bilinear<Value, Channels>& source, const Spots& spots, std::size_t count,
          Value* to) {
  for (std::size_t i = 0; i < count; ++i) {
    if constexpr (std::is_same_v<Value, std::uint8_t>) {
      const std::size_t first = i;
      while (i < count && spots.inside[i] != 0) ++i;
      if (i > first) mix<Channels>({in.data, in.step[0]}, spots, first, i, to + first * Channels);
      if (i == count) return;
    }
    source.at(spots.x[i], spots.y[i], to + i * Channels);
  }
}

}  // namespace

void warp(const cv::Mat& in, const Projection& back, const cv::Scalar& outside, cv::Mat& to, int threads,
          const std::function<void()>& progress) {
  with_bilinear(in, outside, [&]<class Value, int Channels>(const Bilinear<Value, Channels>& source) {
    const auto strip = [&](int number) {
      Spots spots;
      for (int row = number * kStrip; row < std::min(to.rows, (number + 1) * kStrip); ++row) {
        for (int col = 0; col < to.cols; col += static_cast<int>(kMostSpots)) {
          const std::size_t count = std::min(kMostSpots, static_cast<std::size_t>(to.cols - col));
          find_spots(back, row, col, count, in.cols, in.rows, spots);
          fill(in, source, spots, count, to.ptr<Value>(row) + static_cast<std::size_t>(col) * Channels);
        }
      }
    };
    in_batches((to.rows - 1) / kStrip + 1, threads, strip, progress);
  });
}

}  // namespace ride::tasks
