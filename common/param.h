// A parameter is declared once (ParamSpec): YAML checking, --help, the JSON Schema and the reference page all come from
// it. Used for task parameters and for configuration options. Pure values, no threads.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/result.h"

namespace ride {

enum class ParamType { boolean, integer, number, string };
const char* to_string(ParamType type);  // "boolean", "integer", ... as JSON Schema names them

using ParamValue = std::variant<bool, std::int64_t, double, std::string>;
using ParamValues = std::map<std::string, ParamValue>;

std::string to_string(const ParamValue& value);
ParamType type_of(const ParamValue& value);

// Of a parameter that names a file which the task reads. Whoever submits a topology ships the file with it (decision
// 0044), unless the value begins with kNodePrefix.
struct InputFile {
  // The file on this machine that a value means; nothing: it means none (a list that is built in, an empty text).
  // Error: its file is not installed here, with what to do.
  Result<std::optional<std::string>> (*locate)(const std::string& value) = nullptr;
  std::int64_t most_bytes = std::int64_t{1} << 30;  // a larger file is refused at submit
};

// "node:/srv/weights.onnx": the file of that name on each node, which is not shipped.
inline constexpr const char* kNodePrefix = "node:";

struct ParamSpec {
  std::string name;
  ParamType type = ParamType::string;
  std::string doc;                          // one sentence, with the unit
  std::optional<ParamValue> default_value;  // absent: the parameter is required
  std::optional<double> min, max;           // bounds of integer and number, inclusive
  std::vector<std::string> choices;         // of a string; empty: any
  // A further rule, for example "must be odd": returns what is wrong with the value, or nothing. May be null.
  std::optional<std::string> (*rule)(const ParamValue&) = nullptr;
  std::string rule_doc;           // the same rule in words, for the reference page
  std::optional<InputFile> file;  // of a string that names a file to read; the rule sees it without kNodePrefix
  bool object = false;            // of a string: a JSON object, which a topology may also write as a map
};

// The value names a file that each node has by itself.
bool is_on_node(const ParamSpec& spec, const ParamValue& value);
// Of parameters that name files, without kNodePrefix: as the task takes them.
ParamValues without_node_prefix(const std::vector<ParamSpec>& specs, ParamValues values);

// Checks one value against its declaration. An integer is accepted where a number is declared, and converted.
// Error (invalid_argument): names the parameter, what was given and what is allowed, without a place.
Result<ParamValue> check_param(const ParamSpec& spec, const ParamValue& given);

// Checks all: unknown names (with a suggestion), missing required ones; fills in defaults.
Result<ParamValues> check_params(const std::vector<ParamSpec>& specs, const ParamValues& given);

nlohmann::json params_to_json(const ParamValues& values);
Result<ParamValues> params_from_json(const nlohmann::json& object);  // only scalars

// The JSON Schema of one parameter / of an object of them.
nlohmann::json param_schema(const ParamSpec& spec);
nlohmann::json params_schema(const std::vector<ParamSpec>& specs);

// Typed access to checked values; a missing name or another type is a bug.
bool get_bool(const ParamValues& values, const std::string& name);
std::int64_t get_int(const ParamValues& values, const std::string& name);
double get_number(const ParamValues& values, const std::string& name);
const std::string& get_string(const ParamValues& values, const std::string& name);

}  // namespace ride
