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

inline std::optional<std::string> hex_color(const ParamValue& value) {
  const auto& text = std::get<std::string>(value);
  const bool shaped = text.size() == 7 && text[0] == '#';
  if (shaped && text.find_first_not_of("0123456789abcdefABCDEF", 1) == std::string::npos) return std::nullopt;
  return "a color is written as #rrggbb, for example \"#00ff00\"";
}

// For color_in (color.h).
template <class Options>
Param<Options> color_param(const char* name, std::string Options::*color, const std::string& what) {
  return {name,
          color,
          what + ", as #rrggbb; pictures of one channel get its brightness",
          {.rule = hex_color, .rule_doc = "#rrggbb"}};
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
