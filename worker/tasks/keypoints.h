// Keypoints: what the attribute "keypoints" of a frame holds, as JSON:
// {"kind":"orb","found":812,"points":[[x,y,size,angle,response],[..,"descriptor"],..]}
//   kind        who found them; the unit of `response` (strength) and the layout of a descriptor follow from it
//   found       how many there are in the picture
//   points      the strongest of them, strongest first, as many as were asked for and fit into kMostKeypointText bytes
//   x, y        in pixels of the frame's picture; whole numbers are the middles of pixels
//   size        diameter of what the point describes, in pixels
//   angle       in degrees, 0 to 360, from the x axis towards the y axis (down), or -1 where a kind has none
//   descriptor  its bytes in base64, where the task was asked for descriptors
// Pure values. Internal to this folder.
#pragma once

#include <cstdint>
#include <opencv2/core/mat.hpp>
#include <string>
#include <vector>

#include "worker/tasks/task.h"

namespace ride::tasks {

inline constexpr const char* kKeypointsAttribute = "keypoints";
// Attributes travel as headers of each record of a frame; all headers together have 64 KiB.
inline constexpr std::size_t kMostKeypointText = 32 << 10;

struct Keypoint {
  double x = 0, y = 0, size = 0;
  double angle = -1;
  double response = 0;
  std::vector<std::uint8_t> descriptor;

  bool operator==(const Keypoint&) const = default;
};

struct FoundKeypoints {
  std::int64_t found = 0;
  std::vector<Keypoint> points;  // strongest first; equal ones by row, column, size, angle
};

std::string keypoints_to_json(const std::string& kind, const FoundKeypoints& keypoints);

// A circle of each point's size around it and, where it has an angle, a line from its middle in that direction; the
// strongest on top. 8U, 16U or 32F, 1, 3 or 4 channels; `color` is #rrggbb.
void draw_keypoints(const FoundKeypoints& keypoints, const std::string& color, cv::Mat& picture);

// The frame as a task of keypoints passes it on. `draw`: with a picture on which they are drawn. Else: as it came, the
// points in the attribute.
void emit_keypoints(const Frame& frame, const std::string& kind, const FoundKeypoints& keypoints, bool draw,
                    const std::string& color, Emitter& out);

}  // namespace ride::tasks
