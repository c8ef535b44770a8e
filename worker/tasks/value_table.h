// Tables over the 256 values of 8-bit pictures, and how often each value occurs. Pure values, one thread; counts and
// positions have 64 bits, so a picture may have more than 2^31 pixels. Internal to this folder.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <opencv2/core/mat.hpp>

namespace ride::tasks {

using ValueTable = std::array<std::uint8_t, 256>;
using Histogram = std::array<std::int64_t, 256>;

// What a value in real numbers is in 8 bits: the nearest, halves away from zero, 0 and 255 beyond the range. NaN: 0.
inline std::uint8_t to_byte(double value) {
  return value >= 255 ? 255 : value > 0 ? static_cast<std::uint8_t>(std::lround(value)) : 0;
}

template <class Function>
ValueTable value_table(Function real) {  // of each value, in real numbers
  ValueTable table;
  for (int value = 0; value < 256; ++value) table[value] = to_byte(real(value));
  return table;
}

// `out` has the size and type of `in`. One table for all channels, or one for each; a fourth channel (alpha) is copied.
void look_up(const cv::Mat& in, const ValueTable& table, cv::Mat& out);
void look_up(const cv::Mat& in, const std::array<ValueTable, 3>& tables, cv::Mat& out);

Histogram histogram_of(const cv::Mat& gray);  // of one channel

}  // namespace ride::tasks
