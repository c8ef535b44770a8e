// What computes a pixel from its surroundings.
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <opencv2/photo.hpp>

#include "bench/task_cases.h"

namespace ride::bench {
namespace {

constexpr int kBorder = cv::BORDER_REFLECT_101;

std::int64_t whole(int value) { return value; }

PlainCall gaussian_on(int depth, int ksize, double factor) {
  const double sigma = 0.3 * ((ksize - 1) * 0.5 - 1) + 0.8;
  const std::string name = depth == CV_8U ? "8U" : depth == CV_16U ? "16U" : "32F";
  return {"cv::GaussianBlur on " + name, [=](const cv::Mat& in, cv::Mat& out) {
            if (depth == CV_8U) return cv::GaussianBlur(in, out, cv::Size(ksize, ksize), sigma, sigma, kBorder);
            cv::Mat wide;
            in.convertTo(wide, depth, factor);
            cv::GaussianBlur(wide, wide, cv::Size(ksize, ksize), sigma, sigma, kBorder);
            wide.convertTo(out, CV_8U, 1 / factor);
          }};
}

TaskCase gaussian_blur(const std::string& name, int ksize, int type) {
  return {.name = name,
          .task = "gaussian_blur",
          .params = {{"ksize", whole(ksize)}},
          .type = type,
          .plain = {gaussian_on(CV_8U, ksize, 1), gaussian_on(CV_16U, ksize, 256), gaussian_on(CV_32F, ksize, 1)},
          .most_off = 1};
}

// The variance as the mean of squares less the square of the mean.
PlainCall deviation_by_box_filter(int ksize) {
  return {"cv::boxFilter and cv::sqrBoxFilter on 32F", [=](const cv::Mat& in, cv::Mat& out) {
            const cv::Size window(ksize, ksize);
            cv::Mat wide, mean, squares;
            in.convertTo(wide, CV_32F);
            cv::boxFilter(wide, mean, CV_32F, window, {-1, -1}, true, kBorder);
            cv::sqrBoxFilter(wide, squares, CV_32F, window, {-1, -1}, true, kBorder);
            cv::subtract(squares, mean.mul(mean), squares);
            cv::max(squares, 0, squares);
            cv::sqrt(squares, squares);
            squares.convertTo(out, CV_8U);
          }};
}

PlainCall gradient_on(int depth) {
  return {depth == CV_16S ? "cv::Sobel on 16S, cv::magnitude" : "cv::Sobel and cv::magnitude on 32F",
          [=](const cv::Mat& in, cv::Mat& out) {
            cv::Mat dx, dy, length;
            cv::Sobel(in, dx, depth, 1, 0, 3, 1, 0, kBorder);
            cv::Sobel(in, dy, depth, 0, 1, 3, 1, 0, kBorder);
            if (depth == CV_16S) dx.convertTo(dx, CV_32F), dy.convertTo(dy, CV_32F);
            cv::magnitude(dx, dy, length);
            length.convertTo(out, CV_8U);
          }};
}

PlainCall unsharp_on(int depth, double sigma) {
  return {depth == CV_8U ? "cv::GaussianBlur and cv::addWeighted on 8U" : "cv::GaussianBlur and cv::addWeighted on 32F",
          [=](const cv::Mat& in, cv::Mat& out) {
            const int ksize = 2 * static_cast<int>(std::ceil(3 * sigma)) + 1;
            cv::Mat values = in, mean;
            if (depth != CV_8U) in.convertTo(values, depth);
            cv::GaussianBlur(values, mean, cv::Size(ksize, ksize), sigma, sigma, kBorder);
            cv::addWeighted(values, 2, mean, -1, 0, mean);
            mean.convertTo(out, CV_8U);
          }};
}

TaskCase threshold(const std::string& name, ParamValues params, PlainCall plain, double most_off) {
  return {.name = name,
          .task = "threshold",
          .params = std::move(params),
          .plain = {std::move(plain)},
          .most_off = most_off};
}

std::vector<TaskCase> thresholds() {
  const auto method = [](const char* name) { return ParamValues{{"method", std::string(name)}}; };
  const auto plain = [](int kind) {
    return PlainCall{"cv::threshold", [=](const cv::Mat& in, cv::Mat& out) { cv::threshold(in, out, 127, 255, kind); }};
  };
  const auto adaptive = [](int kind) {
    return PlainCall{"cv::adaptiveThreshold", [=](const cv::Mat& in, cv::Mat& out) {
                       cv::adaptiveThreshold(in, out, 255, kind, cv::THRESH_BINARY, 31, 5);
                     }};
  };
  // OpenCV's adaptive ones compare with a mean that is rounded to 8 bits: some pixels fall on the other side.
  return {
      threshold("threshold", method("fixed"), plain(cv::THRESH_BINARY), 0),
      threshold("threshold_otsu", method("otsu"), plain(cv::THRESH_BINARY | cv::THRESH_OTSU), 0),
      threshold("threshold_mean", method("adaptive_mean"), adaptive(cv::ADAPTIVE_THRESH_MEAN_C), kNotCompared),
      threshold("threshold_gaussian", method("adaptive_gaussian"), adaptive(cv::ADAPTIVE_THRESH_GAUSSIAN_C),
                kNotCompared),
  };
}

}  // namespace

std::vector<TaskCase> filter_cases() {
  std::vector<TaskCase> all = {
      gaussian_blur("gaussian_blur", 61, CV_8UC1),
      gaussian_blur("gaussian_blur_5", 5, CV_8UC3),
      gaussian_blur("gaussian_blur_21", 21, CV_8UC3),
      {.name = "box_blur",
       .task = "box_blur",
       .params = {{"ksize", whole(15)}},
       .type = CV_8UC3,
       .plain = {{"cv::blur", [](const cv::Mat& in,
                                 cv::Mat& out) { cv::blur(in, out, cv::Size(15, 15), {-1, -1}, kBorder); }}}},
      {.name = "median_blur",
       .task = "median_blur",
       .type = CV_8UC3,
       .plain = {{"cv::medianBlur", [](const cv::Mat& in, cv::Mat& out) { cv::medianBlur(in, out, 5); }}}},
      {.name = "bilateral_filter",
       .task = "bilateral_filter",
       .type = CV_8UC3,
       .plain = {{"cv::bilateralFilter", [](const cv::Mat& in,
                                            cv::Mat& out) { cv::bilateralFilter(in, out, 9, 30, 3, kBorder); }}}},
      {.name = "sharpen",
       .task = "sharpen",
       .type = CV_8UC3,
       .plain = {unsharp_on(CV_8U, 1.5), unsharp_on(CV_32F, 1.5)},
       .most_off = 1},
      {.name = "stddev_filter",
       .task = "stddev_filter",
       .plain = {deviation_by_box_filter(7)},
       .most_off = 1},
      {.name = "sobel", .task = "sobel", .plain = {gradient_on(CV_16S), gradient_on(CV_32F)}, .most_off = 1},
      {.name = "laplacian",
       .task = "laplacian",
       .plain = {{"cv::Laplacian and cv::convertScaleAbs",
                  [](const cv::Mat& in, cv::Mat& out) {
                    cv::Mat derivative;
                    cv::Laplacian(in, derivative, CV_16S, 1, 1, 0, kBorder);
                    cv::convertScaleAbs(derivative, out);
                  }}}},
      {.name = "canny",
       .task = "canny",
       .plain = {{"cv::Canny", [](const cv::Mat& in, cv::Mat& out) { cv::Canny(in, out, 50, 150); }}}},
      {.name = "morphology",
       .task = "morphology",
       .plain = {{"cv::morphologyEx", [](const cv::Mat& in,
                                         cv::Mat& out) { cv::morphologyEx(in, out, cv::MORPH_OPEN, cv::Mat()); }}}},
      {.name = "morphology_ellipse",
       .task = "morphology",
       .params = {{"operation", std::string("gradient")}, {"shape", std::string("ellipse")}, {"size", whole(7)}},
       .plain = {{"cv::morphologyEx",
                  [](const cv::Mat& in, cv::Mat& out) {
                    cv::morphologyEx(in, out, cv::MORPH_GRADIENT,
                                     cv::getStructuringElement(cv::MORPH_ELLIPSE, cv::Size(7, 7)));
                  }}}},
  };
  all.push_back({.name = "denoise",
                 .task = "denoise",
                 .plain = {{"cv::fastNlMeansDenoising",
                            [](const cv::Mat& in, cv::Mat& out) { cv::fastNlMeansDenoising(in, out, 3, 7, 21); }}}});
  all.push_back({.name = "denoise_color",
                 .task = "denoise",
                 .type = CV_8UC3,
                 .plain = {{"cv::fastNlMeansDenoisingColored", [](const cv::Mat& in, cv::Mat& out) {
                              cv::fastNlMeansDenoisingColored(in, out, 3, 3, 7, 21);
                            }}}});
  for (TaskCase& one : thresholds()) all.push_back(std::move(one));
  return all;
}

}  // namespace ride::bench
