// What the tasks share about pictures: checks of what comes in, and frames with a new picture. Pure. Internal to this
// folder.
#pragma once

#include <initializer_list>
#include <string>

#include "common/frame.h"
#include "common/result.h"
#include "worker/tasks/task.h"

namespace ride::tasks {

// "stage 'people', frame gate/3/1042"
std::string place(const TaskEnv& env, const Frame& frame);

// Error (unsupported or invalid_argument) when the picture is empty, or its depth or number of channels is not listed.
// `depths` are OpenCV's (CV_8U, ...).
Result<void> expect_picture(const TaskEnv& env, const Frame& frame, std::initializer_list<int> depths,
                            std::initializer_list<int> channels);

// The frame with another picture: identity, capture time, attributes and unknown headers stay, encoded bytes do not.
Frame with_image(const Frame& frame, cv::Mat image);

std::string depth_name(int depth);             // "8U"
std::string shape_text(const cv::Mat& image);  // "768x576x3 8U"

// The picture in 8 bits with 1 or 3 channels, its value range kept: itself where it is that already, else in `buffer`.
cv::Mat as_8bit(const cv::Mat& image, cv::Mat& buffer);

}  // namespace ride::tasks
