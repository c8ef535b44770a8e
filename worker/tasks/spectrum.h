// The two-dimensional discrete Fourier transform of a real plane, F(u, v) = sum over y, x of
// f(y, x) exp(-2 pi i (u y / rows + v x / cols)), not scaled; its inverse gives f again. Row-column method: rows, then
// columns, in strips, each line by cv::dft in float32 (a single cv::dft of a large picture would count bytes in ints,
// and say nothing for a minute). Half of the spectrum is kept, the rest being its mirror image: 4 bytes for each value
// of the plane; beside it, for each thread, some lines of it, which stay in the cache (1 MB). A NaN or infinity
// anywhere leaves no finite value. Owner: one task, for one picture. Internal to this folder.
#pragma once

#include <cstdint>
#include <functional>
#include <opencv2/core/mat.hpp>

#include "worker/tasks/planes.h"

namespace ride::tasks {

// The largest prime that divides n >= 1; 1 for 1. cv::dft's time for a line grows with it.
int largest_prime_factor(int n);

struct SpectrumWork {
  int threads = 1;
  std::int64_t strip_values = 1 << 16;     // of a strip, less where lengths have large prime factors
  std::function<void()> progress = [] {};  // on the caller's thread, after each strip of every thread
};

class Spectrum {
 public:
  // Of that many columns and rows; both sides up to 2^20, together up to 2^30 values.
  Spectrum(cv::Size size, SpectrumWork work);

  // Of the plane, which is no larger, with zeros right of it and below.
  void forward(const Plane& plane);
  // What forward() took, in strips of whole rows; `take` may be called on several threads at once. Afterwards the
  // spectrum is gone.
  void inverse(const std::function<void(int first_row, const cv::Mat& rows)>& take);

  // Replaces the spectrum by its magnitudes |F|, or log(1 + |F|).
  FiniteRange to_magnitudes(bool log);
  // After to_magnitudes: whole rows from first_row on, as many as `to` has (32F, one channel). Zero frequency in the
  // corner, or at (rows / 2, cols / 2), rounded down, where `centered`.
  void magnitude_rows(int first_row, bool centered, cv::Mat& to) const;

  int rows() const { return half_.rows; }
  int cols() const { return cols_; }

 private:
  void each_strip(int lines, int line_length, const std::function<void(int first, int count)>& work) const;
  void transform_columns(bool inverse);

  SpectrumWork work_;
  int cols_;
  cv::Mat half_;  // rows x (cols / 2 + 1), complex; later each row's magnitudes at its beginning
};

}  // namespace ride::tasks
