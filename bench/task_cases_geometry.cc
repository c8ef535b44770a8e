// What moves pixels, and transforms of the whole picture.
#include <opencv2/imgproc.hpp>
#include <vector>

#include "bench/task_cases.h"
#include "worker/tasks/blas.h"

namespace ride::bench {
namespace {

void turn_around_the_middle(const cv::Mat& in, cv::Mat& out) {
  const cv::Point2f middle(static_cast<float>((in.cols - 1) / 2.0), static_cast<float>((in.rows - 1) / 2.0));
  cv::warpAffine(in, out, cv::getRotationMatrix2D(middle, -30, 1), in.size(), cv::INTER_LINEAR);
}

void seen_from_the_front(const cv::Mat& in, cv::Mat& out) {
  const auto w = static_cast<float>(in.cols), h = static_cast<float>(in.rows);
  // Of pixels' middles: a share s of n pixels is s n - 0.5.
  const std::vector<cv::Point2f> from = {{0.2f * w - 0.5f, 0.1f * h - 0.5f},
                                         {0.8f * w - 0.5f, 0.2f * h - 0.5f},
                                         {0.9f * w - 0.5f, 0.9f * h - 0.5f},
                                         {0.1f * w - 0.5f, 0.8f * h - 0.5f}};
  const std::vector<cv::Point2f> to = {{-0.5f, -0.5f}, {w - 0.5f, -0.5f}, {w - 0.5f, h - 0.5f}, {-0.5f, h - 0.5f}};
  cv::warpPerspective(in, out, cv::getPerspectiveTransform(from, to), in.size(), cv::INTER_LINEAR);
}

void swap_quadrants(cv::Mat& values) {
  const int x = values.cols / 2, y = values.rows / 2;  // of even sides
  const cv::Rect places[] = {{0, 0, x, y}, {x, y, x, y}, {x, 0, x, y}, {0, y, x, y}};
  for (int i = 0; i < 4; i += 2) {
    cv::Mat first = values(places[i]), second = values(places[i + 1]), kept = first.clone();
    second.copyTo(first);
    kept.copyTo(second);
  }
}

void magnitude_of(const cv::Mat& in, cv::Mat& out) {
  const cv::Size size(cv::getOptimalDFTSize(in.cols), cv::getOptimalDFTSize(in.rows));
  cv::Mat wide, planes[2];
  in.convertTo(wide, CV_32F);
  cv::copyMakeBorder(wide, wide, 0, size.height - in.rows, 0, size.width - in.cols, cv::BORDER_CONSTANT);
  cv::dft(wide, wide, cv::DFT_COMPLEX_OUTPUT);
  cv::split(wide, planes);
  cv::magnitude(planes[0], planes[1], planes[0]);
  cv::add(planes[0], 1, planes[0]);
  cv::log(planes[0], planes[0]);
  swap_quadrants(planes[0]);
  cv::normalize(planes[0], out, 0, 255, cv::NORM_MINMAX, CV_8U);
}

void times_its_transpose(const cv::Mat& in, cv::Mat& out) {
  cv::Mat wide;
  in.convertTo(wide, CV_32F);
  out.create(in.rows, in.rows, CV_32F);
  out.setTo(0);
  tasks::add_product(wide, wide, true, out);
}

}  // namespace

std::vector<TaskCase> geometry_cases() {
  return {
      {.name = "resize",
       .task = "resize",
       .params = {{"scale", 0.7}},
       .type = CV_8UC3,
       .plain = {{"cv::resize", [](const cv::Mat& in,
                                   cv::Mat& out) { cv::resize(in, out, cv::Size(), 0.7, 0.7, cv::INTER_LINEAR); }}}},
      {.name = "crop",
       .task = "crop",
       .params = {{"x", std::int64_t{3}}, {"y", std::int64_t{5}}},
       .type = CV_8UC3,
       .plain = {{"cv::Mat::copyTo",
                  [](const cv::Mat& in, cv::Mat& out) { in(cv::Rect(3, 5, in.cols - 3, in.rows - 5)).copyTo(out); }}}},
      {.name = "flip",
       .task = "flip",
       .type = CV_8UC3,
       .plain = {{"cv::flip", [](const cv::Mat& in, cv::Mat& out) { cv::flip(in, out, 1); }}}},
      {.name = "rotate",
       .task = "rotate",
       .params = {{"angle", 90.0}},
       .type = CV_8UC3,
       .plain = {{"cv::rotate",
                  [](const cv::Mat& in, cv::Mat& out) { cv::rotate(in, out, cv::ROTATE_90_CLOCKWISE); }}}},
      {.name = "rotate_30",  // OpenCV finds positions in steps of 1/32 pixel
       .task = "rotate",
       .params = {{"angle", 30.0}, {"expand", false}},
       .type = CV_8UC3,
       .plain = {{"cv::warpAffine", turn_around_the_middle}},
       .most_off = 1},
      {.name = "perspective",  // as above
       .task = "perspective",
       .params = {{"from", std::string("0.2,0.1 0.8,0.2 0.9,0.9 0.1,0.8")}},
       .type = CV_8UC3,
       .plain = {{"cv::warpPerspective", seen_from_the_front}},
       .most_off = 1},
      {.name = "fft",
       .task = "fft",
       .plain = {{"cv::dft and what makes a picture of it", magnitude_of}},
       .most_off = 1},
      {.name = "matmul",
       .task = "matmul",
       .plain = {{"OpenBLAS's sgemm", times_its_transpose}},
       .most_off = kNotCompared},  // sums of floats in another order
  };
}

}  // namespace ride::bench
