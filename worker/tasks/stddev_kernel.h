// Local standard deviation, the computing part. Shapes: in and out alike, 8U, 16U or 32F, 1 to 4 channels, each channel
// for itself; window ksize x ksize (odd), border reflect101. Range: 8U 0..128, 16U 0..32768, 32F the input's unit.
//
// Value: sqrt(E[x^2] - E[x]^2) = sqrt(n S2 - S1^2) / n with n = ksize^2, S1 and S2 the sums of x and x^2 over the
// window. 8U, 16U: S1, S2 are exact integers, the rest is float (8U) or double; rounded to nearest. So a value differs
// from the exactly rounded one by at most 1, and only where that lies within 1e-4 (8U) of a rounding edge. A pixel
// depends on its window only, in a fixed order: tiles with a halo of ksize / 2 give the same bits as the whole picture,
// on any CPU and with any number of threads. 32F: double sums; NaN and infinity reach the windows that hold them, no
// further.
//
// Method: sums of columns slide down (one row in, one row out; McDonnell, "Box-filtering techniques", 1981), windows of
// up to 15 add them up directly, larger ones by doubling. All loops are vectors of independent elements.
#pragma once

#include <opencv2/core/mat.hpp>

namespace ride::tasks {

// `out` has the size and type of `in` and shares no memory with it. Uses cv::parallel_for_ with `threads` stripes.
void local_stddev(const cv::Mat& in, cv::Mat& out, int ksize, int threads);

}  // namespace ride::tasks
