// Detections: what the attribute "detections" of a frame holds, as JSON:
// [{"label":"person","class_id":0,"score":0.97,"box":[x,y,width,height],"track":"1042-3"}], best first, boxes in pixels
// of the frame's picture. `score` is what the detector calls so, of networks 0 to 1; `class_id` is there where the
// detector has classes: the place of the label in its list, from 0; `track` behind the task track. All of it is in
// docs/detections.md. Readers ignore what they do not know. Pure values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/frame.h"
#include "common/result.h"
#include "worker/tasks/task.h"

namespace ride::tasks {

inline constexpr const char* kDetectionsAttribute = "detections";

inline constexpr std::size_t kMaxDetections = 200;  // that a finder leaves: they travel in a header of the record

struct Detection {
  std::string label;
  double score = 0;
  double x = 0, y = 0, width = 0, height = 0;  // from the top left corner
  std::string track = {};                      // the same for one object in all frames; empty: not tracked (yet)
  std::optional<int> class_id = {};

  bool operator==(const Detection&) const = default;
};

std::string detections_to_json(const std::vector<Detection>& detections);
// Error (corrupt): says what is wrong with the text, without a place. Unknown members are ignored.
Result<std::vector<Detection>> detections_from_json(const std::string& text);

// Those of a frame, for a task that cannot do without. Error (invalid_argument, corrupt): there are none, or they
// cannot be read; with place and fix.
Result<std::vector<Detection>> required_detections(const TaskEnv& env, const Frame& frame);

}  // namespace ride::tasks
