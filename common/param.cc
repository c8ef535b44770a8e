#include "common/param.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "common/check.h"
#include "common/json.h"
#include "common/suggest.h"

namespace ride {
namespace {

std::string number_text(double value) { return fmt::format("{}", value); }

std::string join(const std::vector<std::string>& words) { return fmt::format("{}", fmt::join(words, ", ")); }

const char* with_article(ParamType type) {
  switch (type) {
    case ParamType::boolean:
      return "a boolean (true or false)";
    case ParamType::integer:
      return "an integer";
    case ParamType::number:
      return "a number";
    case ParamType::string:
      return "a string";
  }
  return "a string";
}

// The value as it would stand in a file, so that a string and a number can be distinguished.
std::string shown(const ParamValue& value) {
  return type_of(value) == ParamType::string ? "'" + to_string(value) + "'" : to_string(value);
}

std::optional<std::string> outside_bounds(const ParamSpec& spec, double value) {
  const bool low = spec.min && value < *spec.min, high = spec.max && value > *spec.max;
  if (!low && !high) return std::nullopt;
  if (spec.min && spec.max) return fmt::format("from {} to {}", number_text(*spec.min), number_text(*spec.max));
  return low ? "at least " + number_text(*spec.min) : "at most " + number_text(*spec.max);
}

// In quotes, what would be right without them.
bool reads_as(ParamType type, const ParamValue& given) {
  const auto* text = std::get_if<std::string>(&given);
  if (!text) return false;
  if (type == ParamType::boolean) return *text == "true" || *text == "false";
  const auto* end = text->data() + text->size();
  const auto all_of_it = [&](auto& number) {
    const auto parsed = std::from_chars(text->data(), end, number);
    return parsed.ec == std::errc{} && parsed.ptr == end;
  };
  std::int64_t whole = 0;
  if (type == ParamType::integer) return all_of_it(whole);
  double number = 0;
  return all_of_it(number) && std::isfinite(number);
}

Result<ParamValue> convert(const ParamSpec& spec, const ParamValue& given) {
  const ParamType type = type_of(given);
  if (type == spec.type) return given;
  if (spec.type == ParamType::number && type == ParamType::integer) {
    return ParamValue(static_cast<double>(std::get<std::int64_t>(given)));
  }
  const char* fix = spec.type == ParamType::string ? "; put it in quotes"
                    : reads_as(spec.type, given)   ? "; write it without quotes"
                                                   : "";
  return invalid_argument(
      fmt::format("parameter '{}' is {}, but {} is given{}", spec.name, with_article(spec.type), shown(given), fix));
}

std::vector<std::string> names_of(const std::vector<ParamSpec>& specs) {
  std::vector<std::string> names;
  names.reserve(specs.size());
  for (const auto& spec : specs) names.push_back(spec.name);
  return names;
}

nlohmann::json value_to_json(const ParamValue& value) {
  return std::visit([](const auto& v) { return nlohmann::json(v); }, value);
}

// A bound of an integer parameter is written as an integer.
nlohmann::json bound_to_json(ParamType type, double bound) {
  return type == ParamType::integer ? nlohmann::json(static_cast<std::int64_t>(bound)) : nlohmann::json(bound);
}

ParamValue plain_name(const ParamValue& value) {
  return std::get<std::string>(value).substr(std::string_view(kNodePrefix).size());
}

template <class T>
const T& get(const ParamValues& values, const std::string& name) {
  const auto found = values.find(name);
  RIDE_CHECK(found != values.end(), "no parameter '" + name + "' was declared");
  const T* value = std::get_if<T>(&found->second);
  RIDE_CHECK(value != nullptr, "parameter '" + name + "' was declared with another type");
  return *value;
}

}  // namespace

const char* to_string(ParamType type) {
  switch (type) {
    case ParamType::boolean:
      return "boolean";
    case ParamType::integer:
      return "integer";
    case ParamType::number:
      return "number";
    case ParamType::string:
      return "string";
  }
  return "string";
}

std::string to_string(const ParamValue& value) {
  return std::visit([](const auto& v) { return fmt::format("{}", v); }, value);
}

ParamType type_of(const ParamValue& value) {
  constexpr ParamType kTypes[] = {ParamType::boolean, ParamType::integer, ParamType::number, ParamType::string};
  return kTypes[value.index()];
}

bool is_on_node(const ParamSpec& spec, const ParamValue& value) {
  const auto* text = std::get_if<std::string>(&value);
  return spec.file && text != nullptr && text->starts_with(kNodePrefix);
}

ParamValues without_node_prefix(const std::vector<ParamSpec>& specs, ParamValues values) {
  for (const auto& spec : specs)
    if (const auto found = values.find(spec.name); found != values.end() && is_on_node(spec, found->second))
      found->second = plain_name(found->second);
  return values;
}

Result<ParamValue> check_param(const ParamSpec& spec, const ParamValue& given) {
  auto converted = convert(spec, given);
  if (!converted) return converted;
  const ParamValue& value = *converted;
  if (spec.type == ParamType::integer || spec.type == ParamType::number) {
    const double number =
        spec.type == ParamType::number ? std::get<double>(value) : static_cast<double>(std::get<std::int64_t>(value));
    if (!std::isfinite(number))
      return invalid_argument(fmt::format("parameter '{}' is not a finite number", spec.name));
    if (const auto allowed = outside_bounds(spec, number)) {
      return invalid_argument(
          fmt::format("parameter '{}' is {}, but {} is allowed", spec.name, shown(given), *allowed));
    }
  }
  if (spec.type == ParamType::string && !spec.choices.empty()) {
    const auto& text = std::get<std::string>(value);
    if (std::find(spec.choices.begin(), spec.choices.end(), text) == spec.choices.end()) {
      return invalid_argument(fmt::format("parameter '{}' is '{}'{} Allowed: {}", spec.name, text,
                                          nearest(text, spec.choices) ? did_you_mean(text, spec.choices) : ".",
                                          join(spec.choices)));
    }
  }
  if (spec.rule != nullptr) {
    if (const auto wrong = spec.rule(is_on_node(spec, value) ? plain_name(value) : value)) {
      return invalid_argument(fmt::format("parameter '{}' is {}, but {}", spec.name, shown(given), *wrong));
    }
  }
  return converted;
}

Result<ParamValues> check_params(const std::vector<ParamSpec>& specs, const ParamValues& given) {
  const auto names = names_of(specs);
  for (const auto& [name, value] : given) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    const std::string suggestion = did_you_mean(name, names);
    return invalid_argument(fmt::format("unknown parameter '{}'{} {}", name, suggestion.empty() ? "." : suggestion,
                                        names.empty() ? "No parameters are taken here" : "Known: " + join(names)));
  }
  ParamValues checked;
  for (const auto& spec : specs) {
    const auto found = given.find(spec.name);
    if (found != given.end()) {
      auto value = check_param(spec, found->second);
      if (!value) return value.error();
      checked.emplace(spec.name, std::move(*value));
    } else if (spec.default_value) {
      checked.emplace(spec.name, *spec.default_value);
    } else {
      return invalid_argument(fmt::format("parameter '{}' is missing: {}", spec.name, spec.doc));
    }
  }
  return checked;
}

nlohmann::json params_to_json(const ParamValues& values) {
  nlohmann::json object = nlohmann::json::object();
  for (const auto& [name, value] : values) object[name] = value_to_json(value);
  return object;
}

Result<ParamValues> params_from_json(const nlohmann::json& object) {
  if (!object.is_object()) return invalid_argument("parameters are an object of names and values");
  ParamValues values;
  for (const auto& [name, value] : object.items()) {
    if (value.is_boolean()) {
      values[name] = value.get<bool>();
    } else if (value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX)) {
      return invalid_argument(fmt::format("parameter '{}' is too large for a 64-bit integer", name));
    } else if (value.is_number_integer()) {
      values[name] = value.get<std::int64_t>();
    } else if (value.is_number_float()) {
      values[name] = value.get<double>();
    } else if (value.is_string()) {
      values[name] = value.get<std::string>();
    } else {
      return invalid_argument(fmt::format("parameter '{}' holds {}; only a boolean, number or string is possible", name,
                                          value.is_null()    ? "nothing"
                                          : value.is_array() ? "a list"
                                                             : "an object"));
    }
  }
  return values;
}

nlohmann::json param_schema(const ParamSpec& spec) {
  nlohmann::json schema = {{"type", to_string(spec.type)}};
  if (spec.object) schema["type"] = {to_string(spec.type), "object"};
  schema["description"] = spec.rule_doc.empty() ? spec.doc : spec.doc + " (" + spec.rule_doc + ")";
  if (spec.default_value) schema["default"] = value_to_json(*spec.default_value);
  if (spec.min) schema["minimum"] = bound_to_json(spec.type, *spec.min);
  if (spec.max) schema["maximum"] = bound_to_json(spec.type, *spec.max);
  if (!spec.choices.empty()) schema["enum"] = spec.choices;
  return schema;
}

nlohmann::json params_schema(const std::vector<ParamSpec>& specs) {
  nlohmann::json schema = {{"type", "object"}, {"additionalProperties", false}};
  schema["properties"] = nlohmann::json::object();
  nlohmann::json required = nlohmann::json::array();
  for (const auto& spec : specs) {
    schema["properties"][spec.name] = param_schema(spec);
    if (!spec.default_value) required.push_back(spec.name);
  }
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

bool get_bool(const ParamValues& values, const std::string& name) { return get<bool>(values, name); }
std::int64_t get_int(const ParamValues& values, const std::string& name) { return get<std::int64_t>(values, name); }
double get_number(const ParamValues& values, const std::string& name) { return get<double>(values, name); }
const std::string& get_string(const ParamValues& values, const std::string& name) {
  return get<std::string>(values, name);
}

}  // namespace ride
