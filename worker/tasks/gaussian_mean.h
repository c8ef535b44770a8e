// The Gaussian mean of 8-bit pictures, finer than 8 bits, for tasks that compute on with it. Pure. Internal to this
// folder.
#pragma once

#include <opencv2/core/mat.hpp>

namespace ride::tasks {

// 16U, in steps of 1/256 of a grey level, within 2/256 of the definition; border reflect101; `sigma` is above 0.
// OpenCV's bit-exact fixed-point filter: tiles with a halo of ksize / 2 give the same bits as the whole picture. Takes
// four bytes of memory for each of the picture.
cv::Mat gaussian_mean(const cv::Mat& picture, int ksize, double sigma);

}  // namespace ride::tasks
