#include "worker/tasks/gaussian_mean.h"

#include <opencv2/imgproc.hpp>

namespace ride::tasks {

cv::Mat gaussian_mean(const cv::Mat& picture, int ksize, double sigma) {
  cv::Mat wide, mean;
  picture.convertTo(wide, CV_16U, 256);
  // ISOLATED is not needed: `wide` is a picture of its own.
  cv::GaussianBlur(wide, mean, cv::Size(ksize, ksize), sigma, sigma, cv::BORDER_REFLECT_101);
  return mean;
}

}  // namespace ride::tasks
