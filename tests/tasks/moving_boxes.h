// Objects that move as the test says, as detections of a series of frames: for the tests of track and count.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "tests/tasks/harness.h"
#include "worker/tasks/detections.h"

namespace ride::tasks {

// Where an object is in a frame; nothing where it is not seen.
using Path = std::function<std::optional<Detection>(int frame)>;

inline Detection box_at(double middle_x, double middle_y, double width = 40, double height = 80,
                        const std::string& label = "person") {
  return {.label = label,
          .score = 1,
          .x = middle_x - width / 2,
          .y = middle_y - height / 2,
          .width = width,
          .height = height};
}

// From a place on, by so many pixels in each frame.
inline Path straight(double x, double y, double by_x, double by_y) {
  return [=](int frame) { return std::optional(box_at(x + by_x * frame, y + by_y * frame)); };
}

// Not seen in the frames from `first` to `last`.
inline Path hidden(Path path, int first, int last) {
  return [=](int frame) { return frame >= first && frame <= last ? std::nullopt : path(frame); };
}

inline Path during(Path path, int first, int last) {
  return [=](int frame) { return frame < first || frame > last ? std::nullopt : path(frame); };
}

// What is seen of them in a frame, in an order that changes from frame to frame; `objects` says whose each one is.
inline std::vector<Detection> seen_in(int frame, const std::vector<Path>& paths, std::vector<int>* objects = nullptr) {
  std::vector<Detection> found;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const std::size_t which = (i + static_cast<std::size_t>(frame)) % paths.size();
    const auto detection = paths[which](frame);
    if (!detection) continue;
    found.push_back(*detection);
    if (objects != nullptr) objects->push_back(static_cast<int>(which));
  }
  return found;
}

inline Frame frame_with(const std::vector<Detection>& found, std::int64_t number, const std::string& source = "gate") {
  static const cv::Mat kPicture(480, 640, CV_8UC1, cv::Scalar(90));
  Frame frame = frame_of(kPicture, number, source);
  frame.attributes["detections"] = detections_to_json(found);
  return frame;
}

}  // namespace ride::tasks
