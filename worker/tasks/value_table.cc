#include "worker/tasks/value_table.h"

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

Histogram histogram_of(const cv::Mat& gray) {
  // In turns in four: a count that follows itself would wait for it.
  Histogram counts{}, second{}, third{}, fourth{};
  for (int y = 0; y < gray.rows; ++y) {
    const std::uint8_t* row = gray.ptr(y);
    int x = 0;
    for (; x + 4 <= gray.cols; x += 4) {
      ++counts[row[x]];
      ++second[row[x + 1]];
      ++third[row[x + 2]];
      ++fourth[row[x + 3]];
    }
    for (; x < gray.cols; ++x) ++counts[row[x]];
  }
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += second[i] + third[i] + fourth[i];
  return counts;
}

}  // namespace ride::tasks
