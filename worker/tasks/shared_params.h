// Parameters that several tasks have: the same words and ranges for each. Internal to this folder.
#pragma once

#include <optional>
#include <string>

#include "worker/tasks/params.h"

namespace ride::tasks {

inline std::optional<std::string> odd(const ParamValue& value) {
  if (std::get<std::int64_t>(value) % 2 != 0) return std::nullopt;
  return "an odd number is needed, so that the window has a middle";
}

template <class Options>
Param<Options> window_param(int Options::*ksize) {
  return {
      "ksize", ksize, "Side of the square window, in pixels", {.min = 1, .max = 201, .rule = odd, .rule_doc = "odd"}};
}

template <class Options>
Param<Options> quality_param(int Options::*quality) {
  return {"quality",
          quality,
          "JPEG quality of pictures that are encoded here; those that come as JPEG keep their bytes",
          {.min = 1, .max = 100}};
}

template <class Options>
Param<Options> sync_param(bool Options::*sync) {
  return {"sync", sync,
          "Wait until the disk holds it before the frame is ACKed; false is faster, but a power cut may take files"};
}

}  // namespace ride::tasks
