#include "worker/tasks/spectrum.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <mutex>
#include <opencv2/core.hpp>
#include <utility>
#include <vector>

#include "worker/tasks/float_rows.h"

namespace ride::tasks {
namespace {

// cv::dft packs the spectrum of n real values into n floats: Re0, Re1, Im1, Re2, Im2, … and Re(n/2) where n is even.
void unpack_line(const float* packed, int n, float* complex) {
  complex[0] = packed[0], complex[1] = 0;
  std::memcpy(complex + 2, packed + 1, sizeof(float) * static_cast<std::size_t>(n - 1));
  if (n % 2 == 0) complex[n + 1] = 0;
}

void pack_line(const float* complex, int n, float* packed) {
  packed[0] = complex[0];
  std::memcpy(packed + 1, complex + 2, sizeof(float) * static_cast<std::size_t>(n - 1));
}

}  // namespace

int largest_prime_factor(int n) {
  int largest = 1;
  for (int p = 2; p <= n / p; ++p)
    for (; n % p == 0; n /= p) largest = p;
  return n > 1 ? n : largest;
}

Spectrum::Spectrum(cv::Size size, SpectrumWork work)
    : work_(std::move(work)), cols_(size.width), half_(size.height, size.width / 2 + 1, CV_32FC2) {}

void Spectrum::each_strip(int lines, int line_length, const std::function<void(int first, int count)>& work) const {
  const std::int64_t values = work_.strip_values / (1 + largest_prime_factor(line_length) / 8);
  const int height = static_cast<int>(std::clamp<std::int64_t>(values / line_length, 1, lines));
  in_batches((lines - 1) / height + 1, work_.threads,
             [&](int i) { work(i * height, std::min(height, lines - i * height)); }, work_.progress);
}

void Spectrum::forward(const Plane& plane) {
  const int wide = plane.image->cols, high = plane.image->rows;
  each_strip(rows(), cols_, [&](int first, int count) {
    const int filled = std::clamp(high - first, 0, count);
    half_.rowRange(first + filled, first + count).setTo(0);
    if (filled == 0) return;
    cv::Mat pixels, lines(filled, cols_, CV_32FC1, cv::Scalar(0));
    read_plane(plane, {0, first, wide, filled}, pixels);
    pixels.copyTo(lines.colRange(0, wide));
    if (cols_ > 1) cv::dft(lines, lines, cv::DFT_ROWS);
    for (int y = 0; y < filled; ++y) unpack_line(lines.ptr<float>(y), cols_, half_.ptr<float>(first + y));
  });
  transform_columns(false);
}

void Spectrum::transform_columns(bool inverse) {
  if (rows() == 1) return;
  const int flags = cv::DFT_ROWS | (inverse ? cv::DFT_INVERSE | cv::DFT_SCALE : 0);
  each_strip(half_.cols, rows(), [&](int first, int count) {
    cv::Mat columns = half_.colRange(first, first + count), lines;
    cv::transpose(columns, lines);
    cv::dft(lines, lines, flags);
    cv::transpose(lines, columns);
  });
}

void Spectrum::inverse(const std::function<void(int first_row, const cv::Mat& rows)>& take) {
  transform_columns(true);
  each_strip(rows(), cols_, [&](int first, int count) {
    cv::Mat lines(count, cols_, CV_32FC1);
    for (int y = 0; y < count; ++y) pack_line(half_.ptr<float>(first + y), cols_, lines.ptr<float>(y));
    if (cols_ > 1) cv::dft(lines, lines, cv::DFT_ROWS | cv::DFT_INVERSE | cv::DFT_SCALE | cv::DFT_REAL_OUTPUT);
    take(first, lines);
  });
}

FiniteRange Spectrum::to_magnitudes(bool log) {
  FiniteRange all;
  std::mutex one;
  each_strip(rows(), cols_, [&](int first, int count) {
    FiniteRange some;
    for (int y = first; y < first + count; ++y) {
      auto* values = half_.ptr<float>(y);
      magnitudes_of(values, static_cast<std::size_t>(half_.cols));
      if (log) {
        cv::Mat line(1, half_.cols, CV_32FC1, values);
        line += 1;
        cv::log(line, line);
      }
      some.add(values, half_.cols);
    }
    const std::lock_guard lock(one);
    all.add(some);
  });
  return all;
}

void Spectrum::magnitude_rows(int first_row, bool centered, cv::Mat& to) const {
  const int down = centered ? rows() / 2 : 0, right = centered ? cols_ / 2 : 0;
  std::vector<float> line(static_cast<std::size_t>(cols_));
  for (int y = 0; y < to.rows; ++y) {
    const int u = (first_row + y - down + rows()) % rows();
    const auto* here = half_.ptr<float>(u);
    const auto* mirrored = half_.ptr<float>((rows() - u) % rows());  // |F(u, v)| = |F(-u, -v)|
    std::copy(here, here + half_.cols, line.begin());
    for (int v = half_.cols; v < cols_; ++v) line[v] = mirrored[cols_ - v];
    std::rotate_copy(line.begin(), line.end() - right, line.end(), to.ptr<float>(y));
  }
}

}  // namespace ride::tasks
