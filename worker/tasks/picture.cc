#include "worker/tasks/picture.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <limits>
#include <opencv2/imgproc.hpp>

#include "common/frame_limits.h"
#include "common/source_file.h"

namespace ride::tasks {
namespace {

bool listed(std::span<const int> list, int value) { return std::find(list.begin(), list.end(), value) != list.end(); }

Error unsupported(const TaskEnv& env, const Frame& frame, const std::string& allowed) {
  return {ErrorCode::unsupported, fmt::format("{}: a picture of {} is not supported here; allowed: {}",
                                              place(env, frame), shape_text(frame.image), allowed)};
}

}  // namespace

std::string place(const TaskEnv& env, const Frame& frame) {
  return fmt::format("stage '{}', frame {}{}", env.stage, to_string(frame.id), file_note(frame.attributes));
}

Result<void> expect_picture(const TaskEnv& env, const Frame& frame, std::span<const int> depths,
                            std::span<const int> channels) {
  if (frame.image.empty() || frame.image.dims != 2) {
    return Error{ErrorCode::invalid_argument, place(env, frame) + ": the picture is empty"};
  }
  if (!listed(depths, frame.image.depth())) {
    std::vector<std::string> names;
    for (const int depth : depths) names.push_back(depth_name(depth));
    return unsupported(env, frame, fmt::format("values of {}", fmt::join(names, ", ")));
  }
  if (!listed(channels, frame.image.channels())) {
    return unsupported(env, frame, fmt::format("{} channels", fmt::join(channels, ", ")));
  }
  return {};
}

bool fits_a_frame(double cols, double rows, int type) {
  constexpr double kLongestSide = std::numeric_limits<int>::max();
  const auto bytes_each = static_cast<double>(CV_ELEM_SIZE(type));
  return cols <= kLongestSide && rows <= kLongestSide &&
         cols * rows <= static_cast<double>(kMostPictureBytes) / bytes_each;
}

Result<void> expect_output_fits(const TaskEnv& env, const Frame& frame, double cols, double rows, int type) {
  if (fits_a_frame(cols, rows, type)) return {};
  const std::string channels = CV_MAT_CN(type) == 1 ? "" : fmt::format(" in {} channels", CV_MAT_CN(type));
  return Error{
      ErrorCode::resource_exhausted,
      fmt::format("{}: the result of a picture of {} has {:.0f} x {:.0f} values of {}{}, above the 4 GiB that "
                  "a frame may have; make the picture smaller first (crop, resize), or ask for less",
                  place(env, frame), shape_text(frame.image), cols, rows, depth_name(CV_MAT_DEPTH(type)), channels)};
}

Frame with_image(const Frame& frame, cv::Mat image) {
  Frame changed;
  changed.id = frame.id;
  changed.captured_at = frame.captured_at;
  changed.image = std::move(image);
  changed.attributes = frame.attributes;
  changed.passed_on = frame.passed_on;
  return changed;
}

std::string depth_name(int depth) {
  constexpr const char* kNames[] = {"8U", "8S", "16U", "16S", "32S", "32F", "64F", "16F"};
  return depth >= 0 && depth < 8 ? kNames[depth] : "unknown";
}

std::string shape_text(const cv::Mat& image) {
  return fmt::format("{}x{}x{} {}", image.cols, image.rows, image.channels(), depth_name(image.depth()));
}

cv::Mat as_8bit(const cv::Mat& image, cv::Mat& buffer) {
  cv::Mat result = image;
  if (image.depth() != CV_8U) {
    image.convertTo(buffer, CV_8U, image.depth() == CV_16U ? 1.0 / 257 : image.depth() == CV_32F ? 255.0 : 1.0);
    result = buffer;
  }
  if (result.channels() == 4) {
    cv::Mat without_alpha;
    cv::cvtColor(result, without_alpha, cv::COLOR_BGRA2BGR);
    buffer = without_alpha;
    result = buffer;
  }
  return result;
}

cv::Mat isolated(const cv::Mat& view) {
  return {view.rows, view.cols, view.type(), const_cast<uchar*>(view.data), view.step[0]};
}

cv::Mat brightness_of(const cv::Mat& image) {
  if (image.channels() == 1) return image;
  cv::Mat gray;
  cv::cvtColor(image, gray, image.channels() == 4 ? cv::COLOR_BGRA2GRAY : cv::COLOR_BGR2GRAY);
  return gray;
}

cv::Mat reduced_to(double most_pixels, const cv::Mat& image, cv::Mat& buffer) {
  const double scale = std::sqrt(most_pixels / (static_cast<double>(image.rows) * image.cols));
  if (scale >= 1) return image;
  // Through doubles: a picture of one row must not become one of none.
  const cv::Size size(std::max(1, cvRound(image.cols * scale)), std::max(1, cvRound(image.rows * scale)));
  cv::resize(image, buffer, size, 0, 0, cv::INTER_AREA);
  return buffer;
}

}  // namespace ride::tasks
