// Products of small matrices of floats, by OpenBLAS where its shared library is installed (Debian's
// libopenblas0-serial), which is opened at the first use; else by cv::gemm, with Debian's own BLAS some 15 times as
// slow. Opened, not linked: only who multiplies loads it, and RIDE builds and runs without it. Threads: any number at
// once; each call computes on the caller's. Internal to this folder.
#pragma once

#include <opencv2/core/mat.hpp>
#include <string>

namespace ride::tasks {

// c += a b, or a bᵗ. All 32F, one channel, of fitting shapes, up to 2^15 rows and columns; c shares no memory with
// them. NaN and infinities as IEEE 754 has them: nothing is skipped.
void add_product(const cv::Mat& a, const cv::Mat& b, bool b_transposed, cv::Mat& c);
// The same by cv::gemm.
void add_product_by_opencv(const cv::Mat& a, const cv::Mat& b, bool b_transposed, cv::Mat& c);

// Empty: OpenBLAS is used. Else why it is not, in words.
const std::string& why_no_openblas();

}  // namespace ride::tasks
