#include "worker/tasks/value_table.h"

#include <algorithm>
#include <cstring>

namespace ride::tasks {

void look_up(const cv::Mat& in, const ValueTable& table, cv::Mat& out) {
  if (in.channels() == 4) return look_up(in, std::array<ValueTable, 3>{table, table, table}, out);
  const std::size_t values = static_cast<std::size_t>(in.cols) * in.channels();
  for (int y = 0; y < in.rows; ++y) {
    const std::uint8_t* from = in.ptr(y);
    std::uint8_t* to = out.ptr(y);
    for (std::size_t i = 0; i < values; ++i) to[i] = table[from[i]];
  }
}

void look_up(const cv::Mat& in, const std::array<ValueTable, 3>& tables, cv::Mat& out) {
  const std::size_t channels = in.channels(), values = channels * in.cols;
  for (int y = 0; y < in.rows; ++y) {
    const std::uint8_t* from = in.ptr(y);
    std::uint8_t* to = out.ptr(y);
    for (std::size_t i = 0; i < values; i += channels) {
      for (std::size_t c = 0; c < channels; ++c) to[i + c] = c < 3 ? tables[c][from[i + c]] : from[i + c];
    }
  }
}

namespace {

// Eight counts of a value in turns, since one that follows itself would wait for it; eight pixels are read at once.
using Counts = std::array<std::array<std::uint32_t, 256>, 8>;

void count_row(const std::uint8_t* row, int length, Counts& counts) {
  int x = 0;
  for (; x + 8 <= length; x += 8) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, row + x, 8);
    // Written out: compilers make vectors of the loop, which is slower here.
    ++counts[0][eight & 255];
    ++counts[1][eight >> 8 & 255];
    ++counts[2][eight >> 16 & 255];
    ++counts[3][eight >> 24 & 255];
    ++counts[4][eight >> 32 & 255];
    ++counts[5][eight >> 40 & 255];
    ++counts[6][eight >> 48 & 255];
    ++counts[7][eight >> 56];
  }
  for (; x < length; ++x) ++counts[0][row[x]];
}

}  // namespace

Histogram histogram_of(const cv::Mat& gray) {
  Histogram sums{};
  // A row has fewer than 2^31 pixels, and so many rows at once that no count of 32 bits overflows.
  const int rows = std::max(1, (1 << 30) / std::max(1, gray.cols));
  for (int top = 0; top < gray.rows; top += std::min(rows, gray.rows - top)) {
    Counts counts{};
    for (int y = top; y < top + std::min(rows, gray.rows - top); ++y) count_row(gray.ptr(y), gray.cols, counts);
    for (const auto& one : counts)
      for (std::size_t value = 0; value < sums.size(); ++value) sums[value] += one[value];
  }
  return sums;
}

}  // namespace ride::tasks
