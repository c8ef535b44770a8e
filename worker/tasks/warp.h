// A picture seen through a projective mapping, with bilinear interpolation between its pixels: 8U, 16U or 32F, 1 to 4
// channels. Positions are doubles, 0 the middle of the first pixel, and 64-bit offsets: OpenCV's warps have positions
// in steps of 1/32 pixel, in floats, too, and end at 32,767 rows. 8U in integers, whose weights have steps of 2^-14,
// the others in floats (bilinear.h): within 1 of the definition (8U, 16U) or 1e-5 (32F). The same bits on each machine.
// Pure. Internal to this folder.
#pragma once

#include <functional>
#include <opencv2/core/mat.hpp>

#include "worker/tasks/pixel_rows.h"

namespace ride::tasks {

// `to` has the type of `in`; `back` leads from its pixels to those of `in`; outside of them, and behind the horizon,
// lies `outside`. Strips of rows on up to `threads` threads; progress() is called after each of them, on the
// caller's.
void warp(const cv::Mat& in, const Projection& back, const cv::Scalar& outside, cv::Mat& to, int threads,
          const std::function<void()>& progress);

}  // namespace ride::tasks
