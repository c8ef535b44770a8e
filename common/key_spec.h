// A key of a YAML file is declared once: the parser checks files against it, the JSON Schema and the reference page are
// written from it, and a source kind's key says what stands in the plan. Constant data; pure. Threads: any, when const.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/param.h"

namespace ride {

enum class KeyType {
  // single values
  boolean,
  integer,
  number,
  text,
  name,
  topic_name,
  choice,
  duration,
  bytes,
  pixels,
  codec,
  shape,
  camera,  // URI, device path or index; ${VAR} stays in it
  uri,     // path or URL; ${VAR} stays in it
  fps,     // number or "max"
  loop,    // true, false or a number of plays
  // structures
  references,
  params,
  labels,
  files,  // a list of paths
  section,
  source_map,
  stage_list,
  sink_list,
  outputs,
  test_list,
  test_input,   // a path, a list of paths, or a map
  object_list,  // maps
  box,          // [x, y, width, height]
};

struct Section;

struct KeySpec {
  std::string name;
  KeyType type = KeyType::text;
  std::string doc;           // one sentence
  std::string default_text;  // in words, for people; empty: none
  bool required = false;
  std::optional<double> min, max;    // integer, number, fps; duration in ms, bytes in bytes, pixels
  std::vector<std::string> choices;  // choice
  const Section* section = nullptr;  // of the structures that are maps or lists of maps
  std::string example;               // a value as it is written, for fixes and the reference page

  // Of a source kind's key. Each has a value in the plan, under `param`, and a default for it.
  std::string param;                        // empty: as the key
  std::optional<ParamValue> default_value;  // where the file has none; default_text may say it better
  bool only_if_given = false;               // the plan leaves it out where the file does, and the producer fills it in
  bool sizes_frames = false;  // memory follows from it: wherever a plan is read, min and max are checked again

  bool operator==(const KeySpec&) const = default;
  const std::string& param_name() const { return param.empty() ? name : param; }
};

struct Section {
  std::string name;  // as a heading: "topic"
  std::string doc;
  std::vector<KeySpec> keys;

  const KeySpec* find(std::string_view key) const;
  std::vector<std::string> names() const;
};

// What stands for a key that is not given, in words; empty: nothing does.
std::string default_words(const KeySpec& key);

}  // namespace ride
