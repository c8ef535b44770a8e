#include "tests/topology/json_schema.h"

#include <charconv>
#include <functional>
#include <map>
#include <regex>

namespace ride::topology {
namespace {

using nlohmann::json;
using Errors = std::vector<std::string>;

bool is_type(const json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "integer") return value.is_number_integer();
  return type == "number" && value.is_number();
}

class Validator {
 public:
  explicit Validator(const json& root) : root_(root) {}

  Errors check(const json& schema, const json& value, const std::string& path) const {
    Errors errors;
    for (const auto& [keyword, argument] : schema.items()) {
      if (const std::string problem = simple(keyword, argument, value); !problem.empty()) {
        errors.push_back(path + ": " + problem);
      } else {
        const Errors deeper = structural(schema, keyword, argument, value, path);
        errors.insert(errors.end(), deeper.begin(), deeper.end());
      }
    }
    return errors;
  }

 private:
  static std::string simple(const std::string& keyword, const json& argument, const json& value) {
    const std::string fails = keyword + " " + argument.dump() + " fails for " + value.dump();
    if (keyword == "type") {
      if (argument.is_string()) return is_type(value, argument) ? "" : fails;
      for (const auto& type : argument) {
        if (is_type(value, type)) return "";
      }
      return fails;
    }
    if (keyword == "const") return value == argument ? "" : fails;
    if (keyword == "enum") return std::find(argument.begin(), argument.end(), value) != argument.end() ? "" : fails;
    if (keyword == "minimum") return !value.is_number() || value >= argument ? "" : fails;
    if (keyword == "maximum") return !value.is_number() || value <= argument ? "" : fails;
    if (keyword == "minLength") return !value.is_string() || value.get<std::string>().size() >= argument ? "" : fails;
    if (keyword == "maxItems") return !value.is_array() || value.size() <= argument ? "" : fails;
    if (keyword == "minItems") return !value.is_array() || value.size() >= argument ? "" : fails;
    if (keyword == "pattern") {
      return !value.is_string() || std::regex_search(value.get<std::string>(), std::regex(argument.get<std::string>()))
                 ? ""
                 : fails;
    }
    if (keyword == "required" && value.is_object()) {
      for (const auto& name : argument) {
        if (!value.contains(name)) return fails;
      }
    }
    return "";
  }

  Errors structural(const json& schema, const std::string& keyword, const json& argument, const json& value,
                    const std::string& path) const {
    if (keyword == "$ref")
      return check(root_.at(json::json_pointer(argument.get<std::string>().substr(1))), value, path);
    if (keyword == "properties") return properties(argument, value, path);
    if (keyword == "additionalProperties") return additional(schema, argument, value, path);
    if (keyword == "propertyNames" || keyword == "items") return each(keyword, argument, value, path);
    if (keyword == "anyOf" || keyword == "oneOf" || keyword == "allOf") return combined(keyword, argument, value, path);
    if (keyword == "if" && schema.contains("then") && check(argument, value, path).empty()) {
      return check(schema["then"], value, path);
    }
    static const std::vector<std::string> known = {
        "type",     "const",       "enum",    "minimum", "maximum", "minLength", "minItems", "maxItems", "pattern",
        "required", "description", "default", "title",   "$schema", "$defs",     "if",       "then"};
    if (std::find(known.begin(), known.end(), keyword) == known.end()) return {path + ": unknown keyword " + keyword};
    return {};
  }

  Errors properties(const json& argument, const json& value, const std::string& path) const {
    Errors errors;
    if (!value.is_object()) return errors;
    for (const auto& [name, schema] : argument.items()) {
      if (!value.contains(name)) continue;
      const Errors found = check(schema, value[name], path + "/" + name);
      errors.insert(errors.end(), found.begin(), found.end());
    }
    return errors;
  }

  Errors additional(const json& schema, const json& argument, const json& value, const std::string& path) const {
    Errors errors;
    if (!value.is_object()) return errors;
    for (const auto& [name, item] : value.items()) {
      if (schema.contains("properties") && schema["properties"].contains(name)) continue;
      if (argument == false) {
        errors.push_back(path + ": unknown key " + name);
      } else {
        const Errors found = check(argument, item, path + "/" + name);
        errors.insert(errors.end(), found.begin(), found.end());
      }
    }
    return errors;
  }

  Errors each(const std::string& keyword, const json& argument, const json& value, const std::string& path) const {
    Errors errors;
    const auto add = [&](const json& item, const std::string& name) {
      const Errors found = check(argument, item, path + "/" + name);
      errors.insert(errors.end(), found.begin(), found.end());
    };
    if (keyword == "items" && value.is_array()) {
      for (std::size_t i = 0; i < value.size(); ++i) add(value[i], std::to_string(i));
    }
    if (keyword == "propertyNames" && value.is_object()) {
      for (const auto& [name, item] : value.items()) add(json(name), name);
    }
    return errors;
  }

  Errors combined(const std::string& keyword, const json& argument, const json& value, const std::string& path) const {
    Errors all;
    std::size_t passed = 0;
    for (const auto& schema : argument) {
      const Errors found = check(schema, value, path);
      if (found.empty()) ++passed;
      all.insert(all.end(), found.begin(), found.end());
    }
    if (keyword == "allOf") return all;
    if (keyword == "anyOf" ? passed > 0 : passed == 1) return {};
    return {path + ": " + std::to_string(passed) + " of " + keyword + " fit"};
  }

  const json& root_;
};

template <class T>
bool parse_all(const std::string& text, T& value) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  return parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size();
}

}  // namespace

Errors validate(const json& root, const json& schema, const json& value, const std::string& path) {
  return Validator(root).check(schema, value, path);
}

json to_json(const YamlNode& node) {
  json value;
  switch (node.kind) {
    case YamlNode::Kind::null:
      return value;
    case YamlNode::Kind::scalar: {
      std::int64_t whole = 0;
      double number = 0;
      if (node.quoted) return node.text;
      if (node.text == "true" || node.text == "false") return node.text == "true";
      if (parse_all(node.text, whole)) return whole;
      if (parse_all(node.text, number)) return number;
      return node.text;
    }
    case YamlNode::Kind::list:
      value = json::array();
      for (const auto& item : node.items) value.push_back(to_json(*item));
      return value;
    case YamlNode::Kind::map:
      value = json::object();
      for (const auto& entry : node.entries) value[entry.key] = to_json(*entry.value);
      return value;
  }
  return value;
}

}  // namespace ride::topology
