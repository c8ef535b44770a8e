// A picture as text: two pixels a character (the upper half block with a colour above and one below), or a ramp of
// characters by brightness where there is no colour. Pure; each shown pixel is the mean of those that it stands for.
#pragma once

#include <opencv2/core/mat.hpp>
#include <string>

namespace ride::cli {

struct PictureSize {
  int columns = 80, lines = 24;  // at most, in characters
  bool colour = true;
};

// 8U, 16U or 32F (0..1), 1 to 4 channels (1 or 2: gray; 3: BGR, 4: BGRA); never larger than the picture. Empty for an
// empty one.
std::string picture_text(const cv::Mat& image, const PictureSize& size);

}  // namespace ride::cli
