// Draws how long something takes by the size of the picture: both axes logarithmic, since sizes double and times differ
// by powers of ten. Threads: any. Failure: none.
#pragma once

#include <opencv2/core/mat.hpp>
#include <string>
#include <utility>
#include <vector>

namespace ride::bench {

struct SizeCurve {
  std::string label;
  std::vector<std::pair<double, double>> points;  // megapixels, milliseconds; both above 0
};

// `gpu`: what stands where a GPU's curves would.
cv::Mat plot_sizes(const std::string& title, const std::string& gpu, const std::vector<SizeCurve>& curves);

}  // namespace ride::bench
