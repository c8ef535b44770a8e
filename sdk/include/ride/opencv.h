// Pictures of ride/task.h as cv::Mat, without a copy. Header only; needs OpenCV's core. A view owns nothing: it is good
// for as long as the picture is.
#pragma once

#include <opencv2/core.hpp>

#include "ride/task.h"

namespace ride::sdk {

// Never write into it.
inline const cv::Mat mat_of(const Picture& picture) {
  return {picture.rows, picture.cols, CV_MAKETYPE(static_cast<int>(picture.depth), picture.channels),
          const_cast<std::uint8_t*>(picture.data), picture.step};
}
// To write into: the output of an OpenCV function. It must make a result of this size and type: else OpenCV gives the
// Mat memory of its own, and the picture stays as it was. emit(out, picture, mat) notices that.
inline cv::Mat mat_of(const OutPicture& picture) {
  return {picture.rows, picture.cols, CV_MAKETYPE(static_cast<int>(picture.depth), picture.channels), picture.data,
          picture.step};
}

// Sends on `picture`, which `mat`, of mat_of(picture), was written through. logic_error: OpenCV has given `mat` other
// memory, so what it holds is not in the picture; emit(out, mat) would copy it.
inline void emit(const Output& out, const OutPicture& picture, const cv::Mat& mat, std::string_view port = {}) {
  if (mat.data != picture.data)
    throw std::logic_error("the result has another size or type than the picture that was allocated for it");
  out.emit(picture, port);
}

// An own picture, by a copy. invalid_argument: its depth is none of RIDE's.
inline void emit(const Output& out, const cv::Mat& image, std::string_view port = {}) {
  if (image.depth() != CV_8U && image.depth() != CV_16U && image.depth() != CV_32F)
    throw std::invalid_argument("only pictures of 8U, 16U and 32F can be emitted");
  const auto picture = out.allocate(image.rows, image.cols, image.channels(), static_cast<Depth>(image.depth()));
  cv::Mat to = mat_of(picture);
  image.copyTo(to);
  out.emit(picture, port);
}

}  // namespace ride::sdk
