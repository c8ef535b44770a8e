// Params<Options>: the parameters of a task, each stated once: its name, the field of `Options` that it fills, what it
// means and what is allowed. The default is the field's own initial value. Pure values, no threads. Failure: a
// declaration that contradicts itself, and values that were not checked against it, are bugs and end the process.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "common/check.h"
#include "common/param.h"

namespace ride::tasks {

// What is allowed beyond the field's type; see ParamSpec.
struct Allowed {
  std::optional<double> min, max;
  std::vector<std::string> choices;
  std::optional<std::string> (*rule)(const ParamValue&) = nullptr;
  std::string rule_doc;
  bool required = false;          // the topology must state it: there is no default
  std::optional<InputFile> file;  // it names a file that the task reads (input_file.h)
  bool object = false;            // a JSON object; see ParamSpec
};

inline constexpr const char* kFileDoc =
    ". The file is taken from the machine that submits; node:PATH names one that each node has";

template <class Options>
struct Param {
  template <class Field>
  Param(const std::string& name, Field Options::*field, const std::string& doc, const Allowed& allowed = {})
      : spec{.name = name,
             .type = type_for<Field>(),
             .doc = allowed.file ? doc + kFileDoc : doc,
             .min = allowed.min,
             .max = allowed.max,
             .choices = allowed.choices,
             .rule = allowed.rule,
             .rule_doc = allowed.rule_doc,
             .file = allowed.file,
             .object = allowed.object} {
    using Value = std::conditional_t<std::is_same_v<Field, int>, std::int64_t, Field>;
    if (!allowed.required) spec.default_value = ParamValue(static_cast<Value>(Options{}.*field));
    // An int holds no more than this; an std::int64_t needs no bounds.
    constexpr double kLeast = std::numeric_limits<int>::min(), kMost = std::numeric_limits<int>::max();
    RIDE_CHECK(!(std::is_same_v<Field, int>) || (spec.min && spec.max && *spec.min >= kLeast && *spec.max <= kMost),
               "parameter '" + name + "' fills an int: state its min and max");
    fill = [name, field](const ParamValues& values, Options& options) {
      const auto found = values.find(name);
      const auto* value = found == values.end() ? nullptr : std::get_if<Value>(&found->second);
      RIDE_CHECK(value != nullptr, "parameter '" + name + "' was not checked against its declaration");
      options.*field = static_cast<Field>(*value);
    };
  }

  ParamSpec spec;
  std::function<void(const ParamValues&, Options&)> fill;

 private:
  template <class Field>
  static constexpr ParamType type_for() {
    if constexpr (std::is_same_v<Field, bool>) return ParamType::boolean;
    if constexpr (std::is_same_v<Field, int> || std::is_same_v<Field, std::int64_t>) return ParamType::integer;
    if constexpr (std::is_same_v<Field, double>) return ParamType::number;
    if constexpr (std::is_same_v<Field, std::string>) return ParamType::string;
  }
};

template <class Options>
class Params {
 public:
  Params(std::initializer_list<Param<Options>> all) : all_(all) {}

  std::vector<ParamSpec> specs() const {  // for TaskDecl::params
    std::vector<ParamSpec> specs;
    for (const auto& one : all_) specs.push_back(one.spec);
    return specs;
  }

  // `values`: checked against specs(), defaults filled in.
  Options read(const ParamValues& values) const {
    Options options;
    for (const auto& one : all_) one.fill(values, options);
    return options;
  }

 private:
  std::vector<Param<Options>> all_;
};

}  // namespace ride::tasks
