// What moves pixels, and transforms of the whole picture.
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "bench/task_cases.h"
#include "worker/tasks/blas.h"

namespace ride::bench {
namespace {

// To the pixels of a picture of this size, from those of the result, which has the same size.
using Mapping = std::function<cv::Matx33d(cv::Size size)>;

cv::Matx33d turned_around_the_middle(cv::Size size) {
  const cv::Point2f middle(static_cast<float>((size.width - 1) / 2.0), static_cast<float>((size.height - 1) / 2.0));
  const cv::Mat turn = cv::getRotationMatrix2D(middle, -30, 1);
  cv::Matx33d all = cv::Matx33d::eye();
  turn.copyTo(cv::Mat(all, false).rowRange(0, 2));
  return all.inv();
}

cv::Matx33d seen_from_the_front(cv::Size size) {
  const auto w = static_cast<float>(size.width), h = static_cast<float>(size.height);
  // Of pixels' middles: a share s of n pixels is s n - 0.5.
  const std::vector<cv::Point2f> from = {{0.2f * w - 0.5f, 0.1f * h - 0.5f},
                                         {0.8f * w - 0.5f, 0.2f * h - 0.5f},
                                         {0.9f * w - 0.5f, 0.9f * h - 0.5f},
                                         {0.1f * w - 0.5f, 0.8f * h - 0.5f}};
  const std::vector<cv::Point2f> to = {{-0.5f, -0.5f}, {w - 0.5f, -0.5f}, {w - 0.5f, h - 0.5f}, {-0.5f, h - 0.5f}};
  return cv::getPerspectiveTransform(to, from);
}

// By OpenCV's warps, whose positions are in steps of 1/32 pixel in each depth.
PlainCall warped_on(int depth, const Mapping& mapping, bool affine) {
  const std::string name = affine ? "cv::warpAffine" : "cv::warpPerspective";
  return {name + (depth == CV_8U ? " on 8U" : " on 32F"), [=](const cv::Mat& in, cv::Mat& out) {
            const cv::Matx33d back = mapping(in.size());
            cv::Mat wide = in, warped;
            if (depth != CV_8U) in.convertTo(wide, depth);
            constexpr int kFlags = cv::INTER_LINEAR | cv::WARP_INVERSE_MAP;
            if (affine)
              cv::warpAffine(wide, warped, back.get_minor<2, 3>(0, 0), in.size(), kFlags);
            else
              cv::warpPerspective(wide, warped, back, in.size(), kFlags);
            warped.convertTo(out, CV_8U);
          }};
}

// By cv::remap to whole pixels, exact: the four around each place, and their weights. Made once for a size.
class FourNeighbours {
 public:
  FourNeighbours(const cv::Matx33d& back, cv::Size size) {
    for (int i = 0; i < 4; ++i) places_[i].create(size, CV_16SC2), weights_[i].create(size, CV_32FC3);
    for (int row = 0; row < size.height; ++row) {
      for (int col = 0; col < size.width; ++col) {
        const cv::Vec3d spot = back * cv::Vec3d(col, row, 1);
        const double x = spot[0] / spot[2], y = spot[1] / spot[2];
        const int left = cvFloor(x), top = cvFloor(y);
        for (int i = 0; i < 4; ++i) {
          const int right = i % 2, below = i / 2;
          const double across = right == 1 ? x - left : left + 1 - x, down = below == 1 ? y - top : top + 1 - y;
          places_[i].at<cv::Vec2s>(row, col) = {static_cast<short>(left + right), static_cast<short>(top + below)};
          weights_[i].at<cv::Vec3f>(row, col) = cv::Vec3f::all(static_cast<float>(across * down));
        }
      }
    }
  }
  void mix(const cv::Mat& in, cv::Mat& out) const {
    cv::Mat neighbour, weighted, sum;
    for (int i = 0; i < 4; ++i) {
      cv::remap(in, neighbour, places_[i], cv::noArray(), cv::INTER_NEAREST, cv::BORDER_CONSTANT);
      cv::multiply(neighbour, weights_[i], i == 0 ? sum : weighted, 1, CV_32F);
      if (i > 0) cv::add(sum, weighted, sum);
    }
    sum.convertTo(out, CV_8U);
  }

 private:
  std::array<cv::Mat, 4> places_, weights_;
};

PlainCall mixed_of_four(const Mapping& mapping) {
  const auto kept = std::make_shared<std::map<int, FourNeighbours>>();
  return {"cv::remap of the four neighbours and their weighted sum on 32F", [=](const cv::Mat& in, cv::Mat& out) {
            kept->try_emplace(in.cols, mapping(in.size()), in.size()).first->second.mix(in, out);
          }};
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
      {.name = "rotate_30",
       .task = "rotate",
       .params = {{"angle", 30.0}, {"expand", false}},
       .type = CV_8UC3,
       .plain = {warped_on(CV_8U, turned_around_the_middle, true), warped_on(CV_32F, turned_around_the_middle, true),
                 mixed_of_four(turned_around_the_middle)},
       .most_off = 1},
      {.name = "perspective",
       .task = "perspective",
       .params = {{"from", std::string("0.2,0.1 0.8,0.2 0.9,0.9 0.1,0.8")}},
       .type = CV_8UC3,
       .plain = {warped_on(CV_8U, seen_from_the_front, false), warped_on(CV_32F, seen_from_the_front, false),
                 mixed_of_four(seen_from_the_front)},
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
