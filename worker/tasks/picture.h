// What tasks share about pictures, built in or from plug-ins: checks of what comes in, frames with a new picture. Pure;
// for those who run tasks.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

#include "common/frame.h"
#include "common/result.h"
#include "worker/tasks/task.h"

namespace ride::tasks {

// "stage 'people', frame gate/3/1042"
std::string place(const TaskEnv& env, const Frame& frame);

// Error (unsupported or invalid_argument) when the picture is empty, or its depth or number of channels is not listed.
// `depths` are OpenCV's (CV_8U, ...).
Result<void> expect_picture(const TaskEnv& env, const Frame& frame, std::span<const int> depths,
                            std::span<const int> channels);
inline Result<void> expect_picture(const TaskEnv& env, const Frame& frame, std::initializer_list<int> depths,
                                   std::initializer_list<int> channels) {
  return expect_picture(env, frame, std::span(depths.begin(), depths.size()),
                        std::span(channels.begin(), channels.size()));
}

// Whether a picture of so many pixels across and down has at most kMostPictureBytes, and sides that fit into an int.
bool fits_a_frame(double cols, double rows, int type);
// resource_exhausted: it does not. The sides may be those that somebody asks for.
Result<void> expect_output_fits(const TaskEnv& env, const Frame& frame, double cols, double rows, int type);

// The frame with another picture: identity, capture time, attributes and unknown headers stay, encoded bytes do not.
Frame with_image(const Frame& frame, cv::Mat image);

std::string depth_name(int depth);             // "8U"
std::string shape_text(const cv::Mat& image);  // "768x576x3 8U"

// The picture in 8 bits with 1 or 3 channels, its value range kept: itself where it is that already, else in `buffer`.
cv::Mat as_8bit(const cv::Mat& image, cv::Mat& buffer);

// A picture of at most this many pixels: itself, or reduced into `buffer`. Before any conversion, so that those of a
// large picture need little memory.
cv::Mat reduced_to(double most_pixels, const cv::Mat& image, cv::Mat& buffer);

// The same pixels, as if they were the whole picture: OpenCV's filters look beyond a view into a larger one. Shares the
// memory and owns nothing, so it is not for temporaries.
cv::Mat isolated(const cv::Mat& view);
cv::Mat isolated(cv::Mat&&) = delete;

// Brightness of an 8-bit picture of 1, 3 or 4 channels (ITU-R BT.601): itself where it has one channel, else a new one.
cv::Mat brightness_of(const cv::Mat& image);

}  // namespace ride::tasks
