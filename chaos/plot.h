// Draws panels of curves over time, one above the other, with axes, words, and dashed lines where something happened.
// The colours of a panel's curves are stated beside its name. Threads: any. Failure: none.
#pragma once

#include <opencv2/core/mat.hpp>
#include <string>
#include <utility>
#include <vector>

namespace ride::chaos {

struct Curve {
  std::string label;                              // shown in the panel where there are several
  cv::Scalar colour;                              // BGR
  std::vector<std::pair<double, double>> points;  // second, value
};

struct PlotMark {
  double second = 0;
  std::string label;  // above the panel; empty: the line alone
};

struct PlotPanel {
  std::string label;  // of the y axis
  std::vector<Curve> curves;
  std::vector<PlotMark> marks;
};

inline const cv::Scalar kPlotBlue{170, 90, 20}, kPlotGreen{50, 130, 40}, kPlotRed{60, 60, 200};

cv::Mat plot(const std::string& title, double seconds, const std::vector<PlotPanel>& panels);  // 8-bit BGR

}  // namespace ride::chaos
