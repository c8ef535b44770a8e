#include "worker/tasks/planes.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <opencv2/core/utility.hpp>
#include <opencv2/imgproc.hpp>

#include "worker/tasks/picture.h"

namespace ride::tasks {

Result<void> expect_planes(const TaskEnv& env, const Frame& frame, bool gray) {
  RIDE_TRY(expect_picture(env, frame, {CV_8U, CV_16U, CV_32F}, {1, 2, 3, 4}));
  if (!gray || frame.image.channels() != 2) return {};
  return Error{ErrorCode::unsupported,
               fmt::format("{}: a picture of 2 channels has no brightness; set 'channels' to each", place(env, frame))};
}

void read_plane(const Plane& plane, const cv::Rect& part, cv::Mat& to) {
  const cv::Mat& image = *plane.image;
  cv::Mat pixels = image(part), one;
  if (image.channels() == 1)
    one = pixels;
  else if (plane.gray)
    cv::cvtColor(pixels, one, image.channels() == 3 ? cv::COLOR_BGR2GRAY : cv::COLOR_BGRA2GRAY);
  else
    cv::extractChannel(pixels, one, plane.index);
  one.convertTo(to, CV_32F);
}

void write_plane(const cv::Mat& values, cv::Mat& image, const cv::Rect& part, int channel) {
  cv::Mat place = image(part);
  if (image.channels() == 1)
    values.copyTo(place);
  else
    cv::insertChannel(values, place, channel);
}

void view_of(const cv::Mat& values, const FiniteRange& range, cv::Mat& to) {
  const double span = static_cast<double>(range.largest) - range.least;
  const double scale = span > 0 ? 255 / span : 0;  // no finite value: -inf
  for (int y = 0; y < values.rows; ++y) {
    auto* row = to.ptr(y);
    const auto count = static_cast<std::size_t>(values.cols);
    if (scale == 0)
      std::fill_n(row, count, std::uint8_t{0});
    else
      view_of_row(values.ptr<float>(y), range.least, scale, row, count);
  }
}

void in_batches(int count, int threads, const std::function<void(int)>& work, const std::function<void()>& progress) {
  const int batch = std::max(1, threads);
  for (int first = 0; first < count; first += batch) {
    const cv::Range all(first, std::min(count, first + batch));
    const auto some = [&](const cv::Range& range) {
      for (int i = range.start; i < range.end; ++i) work(i);
    };
    if (all.size() == 1)
      some(all);
    else
      cv::parallel_for_(all, some, all.size());
    progress();
  }
}

}  // namespace ride::tasks
