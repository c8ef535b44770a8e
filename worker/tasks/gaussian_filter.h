// The Gaussian mean of a square window over 8-bit pictures, in integers: own kernels, since OpenCV's 8-bit filter has
// weights in steps of 1/256 (at 61 x 61 up to 2 grey levels from the definition) and its float filter is slower.
// Definition: weights exp(-d^2 / (2 sigma^2)), normalised to a sum of one, in both directions; border reflect101.
// Values: within 1/8 grey level of the definition for windows up to 61, within 1/2 up to 201 (the sum of what rounding
// the weights can do at the worst; on pictures it is far less), so within 1 of it when rounded; an even area stays as
// it is. Windows up to 11 have kernels of their own for 8U. The same bits on each machine, for any part of the rows,
// and with any number of threads. Pure. Internal to this folder.
#pragma once

#include <cstdint>
#include <functional>
#include <opencv2/core/mat.hpp>
#include <vector>

namespace ride::tasks {

// What `sigma` 0 stands for, as OpenCV has it for large windows.
constexpr double gaussian_sigma(int ksize, double sigma) {
  return sigma > 0 ? sigma : 0.3 * ((ksize - 1) * 0.5 - 1) + 0.8;
}

// Whole numbers in steps of 2^-shift whose sum over the window is exactly 1; the first is the middle, each other one
// stands for two pixels.
struct GaussianWeights {
  std::vector<std::int16_t> weights;
  int shift = 0;
};
// `most_shift` at most, and so that each fits into 16 bits. `ksize` is odd, 1 to 201; `sigma` is above 0.
GaussianWeights gaussian_weights(int ksize, double sigma, int most_shift);

class GaussianFilter {
 public:
  // Of means as 16U. coarse: faster for windows up to 11, within 1/10 grey level; an even area may be as far off.
  enum class Steps { fine, coarse };

  GaussianFilter(int ksize, double sigma);

  // Rows `first` to `last` - 1 of the filtered picture into `to`, which has as many rows, the picture's columns and
  // channels, and 8U: rounded to the nearest, or 16U: times 256. `in` is 8U; it is seen as a whole picture, though it
  // may be a view. Memory: 0.2 MB, or 16 bytes for each value of a row where that is more.
  void rows(const cv::Mat& in, int first, int last, cv::Mat& to, Steps steps = Steps::fine) const;

  // All rows, on up to `threads` threads: into `to`, or strip by strip as 16U, whose first row is `top`; take() may be
  // called on several threads at once.
  void whole(const cv::Mat& in, cv::Mat& to, int threads) const;
  void strips(const cv::Mat& in, int threads, const std::function<void(int top, const cv::Mat& means)>& take,
              Steps steps = Steps::fine) const;

 private:
  GaussianWeights down_, across_;
  GaussianWeights small_;  // of windows of up to 11 x 11, in both directions
};

// The same of floats, in floats: `to` has the size and type of `in`, which is 32F. Each value is computed in the same
// order wherever it stands, so a part of a picture has the bits of the whole; OpenCV's float filter differs in the last
// bit at the end of its vectors. A value that is no number or infinite spreads over its window.
void gaussian_floats(const cv::Mat& in, int ksize, double sigma, cv::Mat& to, int threads);

}  // namespace ride::tasks
