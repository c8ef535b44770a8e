// How near two pictures are, and a name for their pixels. Pure; any thread. Failure: invalid_argument where the measure
// is not defined for the pictures; both have to be of one size and type, which the caller checks with `shape_of`.
#pragma once

#include <opencv2/core/mat.hpp>
#include <string>

#include "common/result.h"

namespace ride::test_runner {

std::string shape_of(const cv::Mat& picture);  // "480x640x3 8u": rows, columns, channels, depth

// The largest value of the depth: 255, 65535, or 1 for 32F.
double peak_of(const cv::Mat& picture);

// Peak signal-to-noise ratio in dB over all channels; infinite for equal pictures.
double psnr(const cv::Mat& a, const cv::Mat& b);

// Structural similarity (Wang, Bovik, Sheikh, Simoncelli: Image Quality Assessment, IEEE Trans. Image Processing 13(4),
// 2004): Gaussian window of 11 x 11, sigma 1.5, K1 = 0.01, K2 = 0.03, L = peak_of(); mean over the places where the
// window lies within the picture, and over channels. In double precision. invalid_argument: fewer than 11 rows or
// columns.
Result<double> ssim(const cv::Mat& a, const cv::Mat& b);

struct PixelDifference {
  std::int64_t pixels = 0;  // that differ, in any channel
  int row = 0, col = 0;     // of the first
  double largest = 0;       // of one value; NaN counts as infinitely far from any other
};
PixelDifference difference(const cv::Mat& a, const cv::Mat& b);

// SHA-256 of shape_of(), a line feed, and the values row by row, channels together, little endian.
std::string pixel_hash(const cv::Mat& picture);

}  // namespace ride::test_runner
