// The picture of a failed test: what went in, what came out, what was expected and how they differ, side by side, and
// what is wrong in words. Pure; any thread. Failure: none; what cannot be shown is said in its place.
#pragma once

#include <opencv2/core/mat.hpp>
#include <string>
#include <vector>

#include "test_runner/judge.h"

namespace ride::test_runner {

// BGR, 8 bit. `input`: the last picture that went in; may be empty.
cv::Mat failure_sheet(const topology::TestCase& test, const cv::Mat& input, const Seen& seen, const Verdict& verdict);

// In one row, as a screen can show them: BGR, 8 bit, higher ones than a screen made smaller; the first sixteen.
cv::Mat side_by_side(const std::vector<cv::Mat>& pictures);

// Where the sheet's panels are: input, got, expected, difference; for whoever reads one.
inline constexpr int kPanelWidth = 480, kPanelHeight = 360, kPanelGap = 8, kPanelTop = 28;
cv::Rect panel(int index);

}  // namespace ride::test_runner
