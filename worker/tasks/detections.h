// Detections: what the attribute "detections" of a frame holds, as JSON:
// [{"label":"person","score":1.25,"box":[x,y,width,height]}], boxes in pixels of the frame's picture. Pure values.
#pragma once

#include <string>
#include <vector>

#include "common/result.h"

namespace ride::tasks {

inline constexpr const char* kDetectionsAttribute = "detections";

struct Detection {
  std::string label;
  double score = 0;
  double x = 0, y = 0, width = 0, height = 0;  // from the top left corner

  bool operator==(const Detection&) const = default;
};

std::string detections_to_json(const std::vector<Detection>& detections);
// Error (corrupt): says what is wrong with the text, without a place. Unknown members are ignored.
Result<std::vector<Detection>> detections_from_json(const std::string& text);

}  // namespace ride::tasks
