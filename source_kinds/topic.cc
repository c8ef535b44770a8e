// An existing topic whose records are copied into the job.
#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "source_kinds/source_decl.h"

namespace ride {
namespace {

std::vector<KeySpec> topic_keys() {
  return {
      {.name = "format",
       .type = KeyType::choice,
       .doc = "Topic: what its records hold; image: JPEG or PNG, recognised by the first bytes.",
       .choices = {"raw", "jpeg", "png", "image"},
       .example = "raw",
       .default_value = std::string("image")},
      {.name = "shape",
       .type = KeyType::shape,
       .doc = "Topic of raw pixels: rows x columns x channels.",
       .example = "900x900x1",
       .default_value = std::string()},
      {.name = "depth",
       .type = KeyType::choice,
       .doc = "Topic of raw pixels: the type of a value.",
       .choices = {"8u", "16u", "32f"},
       .example = "16u",
       .default_value = std::string("8u")},
  };
}

// Only raw pixels have a shape and a depth; in the plan both are empty for all else.
std::vector<KeyFault> settle(const std::vector<std::string>& given, ParamValues& params) {
  const auto has = [&](const char* key) { return std::find(given.begin(), given.end(), key) != given.end(); };
  const bool raw = get_string(params, "format") == "raw";
  std::vector<KeyFault> faults;
  if (raw && !has("shape"))
    faults.push_back({"format", true, "raw pixels need a shape to be read", "add shape: 900x900x1 (rows first)"});
  for (const char* key : {"shape", "depth"}) {
    if (raw) continue;
    params[key] = std::string();
    if (has(key))
      faults.push_back(
          {key, false, fmt::format("'{}' is only for format: raw", key), "remove it, or write format: raw"});
  }
  return faults;
}

}  // namespace

SourceDecl declare_topic() {
  return {.name = "topic",
          .what = {.name = "topic",
                   .type = KeyType::topic_name,
                   .doc = "An existing Kafka topic whose records are copied into the job as frames.",
                   .example = "plates"},
          .keys = topic_keys(),
          .settle = settle,
          .numbering = Numbering::by_journal,
          .codec_text = "picture files keep their bytes, others raw",
          .shape =
              [](const ParamValues& params) {
                return parse_shape(get_string(params, "shape"), get_string(params, "depth"));
              },
          .input = SourceInput::topic,
          .may_be_silent = true};
}

}  // namespace ride
