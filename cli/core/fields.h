// Fields of the master's answers, read leniently: a field that is missing, null or of another type is the fallback, so
// a newer or older master does not break the tables. Pure.
#pragma once

#include <optional>
#include <string>

#include "common/json.h"
#include "common/text.h"

namespace ride::cli {

using Json = nlohmann::json;

// Without control characters: names come from records that anybody may have written, and a terminal would obey them.
inline std::string text_of(const Json& object, const char* name, const std::string& fallback = {}) {
  if (!object.is_object()) return fallback;
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? one_line(found->get<std::string>()) : fallback;
}

inline std::optional<double> number_of(const Json& object, const char* name) {
  if (!object.is_object()) return std::nullopt;
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

inline std::int64_t count_of(const Json& object, const char* name) {
  return static_cast<std::int64_t>(number_of(object, name).value_or(0));
}

inline bool flag_of(const Json& object, const char* name) {
  if (!object.is_object()) return false;
  const auto found = object.find(name);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

// An empty list where there is none.
inline const Json& list_of(const Json& object, const char* name) {
  static const Json empty = Json::array();
  if (!object.is_object()) return empty;
  const auto found = object.find(name);
  return found != object.end() && found->is_array() ? *found : empty;
}

// Whether a job of this phase, as an answer names it, is over. False for a phase that this program does not
// know.
bool phase_is_over(const std::string& phase);

// One line of JSON, whatever bytes its texts came with: what is no UTF-8 is replaced.
template <class AnyJson>
std::string json_line(const AnyJson& json) {
  return json.dump(-1, ' ', false, AnyJson::error_handler_t::replace) + "\n";
}

}  // namespace ride::cli
