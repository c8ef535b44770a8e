// Parameters that the tasks of keypoints share (features, surf). Internal to this folder.
#pragma once

#include <optional>
#include <string>

#include "worker/tasks/params.h"

namespace ride::tasks {

template <class Options>
Param<Options> max_features_param(int Options::*max_features) {
  return {"max_features", max_features, "Points that are kept, the strongest", {.min = 1, .max = 100000}};
}

template <class Options>
Param<Options> keypoint_output_param(std::string Options::*output) {
  return {
      "output",
      output,
      "draw: the picture with a circle for each point, of its size, and a line to its angle; data: the picture as it "
      "came, with the points in the attribute 'keypoints'",
      {.choices = {"data", "draw"}}};
}

template <class Options>
Param<Options> descriptors_param(bool Options::*descriptors) {
  return {"descriptors", descriptors, "With each point in the attribute, its descriptor in base64; fewer points fit"};
}

// The rule of `output` and `descriptors`.
inline std::optional<std::string> descriptors_need_data(const std::string& output, bool descriptors) {
  if (!descriptors || output == "data") return std::nullopt;
  return "'descriptors' travel in the attribute, which a drawn picture has not; set 'output' to data";
}

}  // namespace ride::tasks
