#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "common/json.h"
#include "common/suggest.h"
#include "topology/draft.h"
#include "topology/secrets.h"

namespace ride::topology {
namespace {

template <class T>
std::optional<T> parse_all(std::string_view text) {
  T value{};
  const auto end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  return !text.empty() && parsed.ec == std::errc{} && parsed.ptr == end ? std::optional<T>(value) : std::nullopt;
}

// What the text is by its looks. Where a string is declared, everything is one.
ParamValue natural(const Scalar& scalar, ParamType declared) {
  if (scalar.quoted || declared == ParamType::string) return scalar.text;
  if (scalar.text == "true" || scalar.text == "false") return scalar.text == "true";
  if (const auto whole = parse_all<std::int64_t>(scalar.text)) return *whole;
  if (const auto number = parse_all<double>(scalar.text); number && std::isfinite(*number)) return *number;
  return scalar.text;
}

std::string described(const ParamSpec& spec) {
  std::string text =
      fmt::format("{} is {} {}", spec.name, spec.type == ParamType::integer ? "an" : "a", to_string(spec.type));
  if (spec.min && spec.max) text += fmt::format(" from {} to {}", *spec.min, *spec.max);
  if (spec.min && !spec.max) text += fmt::format(", at least {}", *spec.min);
  if (!spec.min && spec.max) text += fmt::format(", at most {}", *spec.max);
  if (!spec.choices.empty()) text += fmt::format(", one of {}", fmt::join(spec.choices, ", "));
  if (!spec.rule_doc.empty()) text += ", " + spec.rule_doc;
  if (spec.default_value) text += fmt::format("; default {}", ride::to_string(*spec.default_value));
  return text;
}

std::vector<std::string> names_of(const TaskDecl& task) {
  std::vector<std::string> names;
  for (const ParamSpec& spec : task.params) names.push_back(spec.name);
  return names;
}

void report_unknown(Context& context, const TaskDecl& task, const YamlEntry& entry) {
  const auto names = names_of(task);
  context.error(entry.place,
                fmt::format("task '{}' has no parameter '{}'{}", task.name, entry.key, did_you_mean(entry.key, names)),
                names.empty() ? "the task has no parameters; remove it"
                              : fmt::format("its parameters: {}", fmt::join(names, ", ")));
}

// As JSON, with variables filled in; `whole` learns whether there were some. Nothing: what is wrong was said.
std::optional<nlohmann::json> json_of(Context& context, const YamlNode& node, const std::string& name, Scalar& whole) {
  if (node.kind == YamlNode::Kind::null) return nlohmann::json();
  if (node.kind == YamlNode::Kind::scalar) {
    const auto scalar = context.scalar(node, name, "a value");
    if (!scalar) return std::nullopt;
    whole.from_environment = whole.from_environment || scalar->from_environment;
    return std::visit([](const auto& value) { return nlohmann::json(value); },
                      natural(*scalar, ParamType::number));  // a text only where it looks like nothing else
  }
  bool good = true;
  auto value = node.kind == YamlNode::Kind::list ? nlohmann::json::array() : nlohmann::json::object();
  for (const auto& item : node.items) {
    auto one = json_of(context, *item, name, whole);
    if ((good = good && one)) value.push_back(std::move(*one));
  }
  for (const auto& entry : node.entries) {
    auto one = json_of(context, *entry.value, name + "." + entry.key, whole);
    if ((good = good && one)) value[entry.key] = std::move(*one);
  }
  return good ? std::optional(std::move(value)) : std::nullopt;
}

std::optional<Scalar> scalar_of(Context& context, const ParamSpec& spec, const YamlEntry& entry) {
  if (!spec.object || entry.value->kind != YamlNode::Kind::map)
    return context.scalar(
        *entry.value, spec.name,
        spec.object ? std::string("a map") : fmt::format("a single value ({})", to_string(spec.type)));
  Scalar whole{.text = {}, .quoted = true, .from_environment = false, .shown = spec.name, .place = entry.value->place};
  const auto value = json_of(context, *entry.value, spec.name, whole);
  if (!value) return std::nullopt;
  whole.text = value->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return whole;
}

std::optional<ParamValue> parse_value(Context& context, const ParamSpec& spec, const YamlEntry& entry) {
  const auto scalar = scalar_of(context, spec, entry);
  if (!scalar) return std::nullopt;
  auto checked = check_param(spec, natural(*scalar, spec.type));
  if (!checked.ok()) {
    context.error(scalar->place,
                  scalar->from_environment
                      ? fmt::format("parameter '{}' is given by {}, whose value does not fit", spec.name, scalar->shown)
                      : checked.error().message,
                  described(spec));
    return std::nullopt;
  }
  if (spec.type == ParamType::string && !secret_spans(scalar->text).empty()) {
    context.error(
        scalar->place,
        fmt::format("parameter '{}' holds a password or token; parameters can be seen by everybody", spec.name),
        "give the task a file or a variable's name to read the secret from");
    return std::nullopt;
  }
  return std::move(*checked);
}

}  // namespace

ParamValues parse_params(Context& context, const TaskDecl& task, const YamlEntry* params,
                         const SourceLocation& task_place) {
  ParamValues values;
  const bool is_map = params != nullptr && params->value->kind == YamlNode::Kind::map;
  if (params != nullptr && !is_map) {
    context.error(params->value->place,
                  fmt::format("'params' is {}, but a map is expected", kind_text(params->value->kind)),
                  fmt::format("write params: {{ name: value }}{}{}",
                              task.params.empty() ? "" : "; known: ", fmt::join(names_of(task), ", ")));
    return values;
  }
  if (is_map) {
    const auto names = names_of(task);
    for (const YamlEntry& entry : params->value->entries) {
      if (std::find(names.begin(), names.end(), entry.key) == names.end()) report_unknown(context, task, entry);
    }
  }
  for (const ParamSpec& spec : task.params) {
    const YamlEntry* entry = is_map ? params->value->find(spec.name) : nullptr;
    if (entry != nullptr) {
      if (auto value = parse_value(context, spec, *entry)) values.insert_or_assign(spec.name, std::move(*value));
    } else if (spec.default_value) {
      values.insert_or_assign(spec.name, *spec.default_value);
    } else {
      context.error(params != nullptr ? params->place : task_place,
                    fmt::format("task '{}' needs the parameter '{}': {}", task.name, spec.name, spec.doc),
                    fmt::format("add params: {{ {}: ... }}; {}", spec.name, described(spec)));
    }
  }
  // A rule over several parameters makes sense only when each of them is right.
  if (task.rule != nullptr && values.size() == task.params.size()) {
    if (const auto broken = task.rule(values))
      context.error(params != nullptr ? params->place : task_place, fmt::format("task '{}': {}", task.name, *broken),
                    fmt::format("`ride tasks {}` lists its parameters", task.name));
  }
  return values;
}

}  // namespace ride::topology
