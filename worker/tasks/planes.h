// Pictures as matrices of real numbers: one plane (a channel, or the brightness) is read and written in parts, as
// floats, so that no whole picture of floats is needed beside a large one. Values keep their numbers: 8U is 0..255.
// Pure; any thread, on parts that do not overlap. Internal to this folder.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <opencv2/core/mat.hpp>

#include "common/frame.h"
#include "common/result.h"
#include "worker/tasks/float_rows.h"
#include "worker/tasks/params.h"
#include "worker/tasks/task.h"

namespace ride::tasks {

template <class Options>
Param<Options> channels_param(std::string Options::*channels) {
  return {"channels",
          channels,
          "gray: of the brightness, one channel comes out; each: of each channel by itself",
          {.choices = {"gray", "each"}}};
}

// Checked: 8U, 16U or 32F; gray has no meaning for two channels. `gray` is the task's parameter.
Result<void> expect_planes(const TaskEnv& env, const Frame& frame, bool gray);

inline int plane_count(const cv::Mat& image, bool gray) { return gray ? 1 : image.channels(); }

// The brightness where `gray` (of 8U and 16U rounded, as the task grayscale has it), else the channel `index`.
struct Plane {
  const cv::Mat* image = nullptr;
  bool gray = false;
  int index = 0;
};

// Those pixels of the plane into `to`: 32F, one channel, of that size.
void read_plane(const Plane& plane, const cv::Rect& part, cv::Mat& to);
// `values`, which has one channel and the depth of `image`, becomes that part of the channel.
void write_plane(const cv::Mat& values, cv::Mat& image, const cv::Rect& part, int channel);

// The least and the largest of the finite values, for their view in 8 bits.
struct FiniteRange {
  float least = std::numeric_limits<float>::infinity(), largest = -std::numeric_limits<float>::infinity();

  void add(const float* values, std::int64_t count) {
    add_to_range(values, static_cast<std::size_t>(count), least, largest);
  }
  void add(const FiniteRange& other) {
    least = std::min(least, other.least);
    largest = std::max(largest, other.largest);
  }
};
// The least becomes 0, the largest 255, the nearest between them; -inf and NaN 0, inf 255. All 0 where there is one
// finite value, or none. `to`: 8U of the size of `values`, one channel both.
void view_of(const cv::Mat& values, const FiniteRange& range, cv::Mat& to);

// work(0) … work(count - 1), `threads` at a time; progress() after each so many, on the caller's thread.
void in_batches(int count, int threads, const std::function<void(int)>& work, const std::function<void()>& progress);

}  // namespace ride::tasks
