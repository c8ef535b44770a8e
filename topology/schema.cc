#include "topology/schema.h"

#include <spdlog/fmt/fmt.h>

#include "common/json.h"
#include "topology/keys.h"

namespace ride::topology {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kDuration = R"(^[0-9]+(\.[0-9]+)? *(ms|s|m|h|d)$)";
constexpr const char* kBytes = R"(^[0-9]+(\.[0-9]+)? *([KMGT]i?B|B)?$)";
constexpr const char* kCodec = "^(raw|raw:zstd|png|jpeg|jpeg:([1-9][0-9]?|100))$";
constexpr const char* kShape = "^[0-9]+x[0-9]+(x[1-4])?$";
constexpr const char* kVariable = R"(\$\{)";

Json with_pattern(const char* pattern) { return {{"type", "string"}, {"pattern", pattern}}; }

// A value that may also be filled in from the environment.
Json or_variable(Json schema) { return {{"anyOf", Json::array({std::move(schema), with_pattern(kVariable)})}}; }

Json any_of(std::initializer_list<Json> schemas) { return {{"anyOf", Json(schemas)}}; }

Json numeric(const char* type, const KeySpec& key) {
  Json schema = {{"type", type}};
  const auto bound = [&](double value) {
    return key.type == KeyType::integer ? Json(static_cast<std::int64_t>(value)) : Json(value);
  };
  if (key.min) schema["minimum"] = bound(*key.min);
  if (key.max) schema["maximum"] = bound(*key.max);
  return schema;
}

Json ref(const Section& section) { return {{"$ref", "#/$defs/" + section.name}}; }

Json type_schema(const KeySpec& key) {
  switch (key.type) {
    case KeyType::boolean:
      return or_variable({{"type", "boolean"}});
    case KeyType::integer:
      return or_variable(numeric("integer", key));
    case KeyType::number:
      return or_variable(numeric("number", key));
    case KeyType::text:
    case KeyType::uri:
      return {{"type", "string"}, {"minLength", 1}};
    case KeyType::camera:
      return any_of({{{"type", "string"}, {"minLength", 1}}, {{"type", "integer"}, {"minimum", 0}}});
    case KeyType::name:
      return or_variable(with_pattern(kNamePattern));
    case KeyType::topic_name:
      return or_variable(with_pattern(kTopicPattern));
    case KeyType::choice:
      return or_variable({{"enum", key.choices}});
    case KeyType::duration:
      return or_variable(with_pattern(kDuration));
    case KeyType::bytes:
      return or_variable(any_of({with_pattern(kBytes), {{"type", "integer"}, {"minimum", 0}}}));
    case KeyType::pixels:
      return or_variable(any_of({with_pattern(R"(^[0-9]+(\.[0-9]+)?MP$)"), {{"type", "integer"}, {"minimum", 1}}}));
    case KeyType::codec:
      return or_variable(with_pattern(kCodec));
    case KeyType::shape:
      return or_variable(with_pattern(kShape));
    case KeyType::fps:
      return or_variable(any_of({numeric("number", key), {{"const", "max"}}}));
    case KeyType::loop:
      return or_variable(any_of({{{"type", "boolean"}}, {{"type", "integer"}, {"minimum", 1}}}));
    case KeyType::references:
      return any_of({{{"type", "string"}}, {{"type", "array"}, {"minItems", 1}, {"items", {{"type", "string"}}}}});
    case KeyType::files:
      return {{"type", "array"}, {"items", {{"type", "string"}, {"minLength", 1}}}};
    case KeyType::params:
      return {{"type", "object"}};
    case KeyType::labels:
      return {{"type", "object"}, {"additionalProperties", {{"type", Json::array({"string", "number", "boolean"})}}}};
    case KeyType::section:
      return ref(*key.section);
    case KeyType::source_map:
      return {{"type", "object"},
              {"propertyNames", {{"pattern", kNamePattern}}},
              {"additionalProperties", {{"$ref", "#/$defs/source"}}}};
    case KeyType::stage_list:
      return {{"type", "array"}, {"items", {{"$ref", "#/$defs/stage"}}}};
    case KeyType::sink_list:
      return {{"type", "array"}, {"items", {{"$ref", "#/$defs/sink"}}}};
    case KeyType::outputs:
      return any_of({ref(*key.section), {{"type", "object"}, {"additionalProperties", ref(*key.section)}}});
    case KeyType::test_list:
    case KeyType::object_list:
      return {{"type", "array"}, {"items", ref(*key.section)}};
    case KeyType::test_input:
      return any_of({{{"type", "string"}, {"minLength", 1}},
                     {{"type", "array"}, {"minItems", 1}, {"items", {{"type", "string"}, {"minLength", 1}}}},
                     ref(*key.section)});
    case KeyType::box:
      return {{"type", "array"}, {"minItems", 4}, {"maxItems", 4}, {"items", {{"type", "number"}}}};
  }
  return Json::object();
}

Json section_schema(const Section& section) {
  Json schema = {{"type", "object"}, {"description", section.doc}, {"additionalProperties", false}};
  schema["properties"] = Json::object();
  Json required = Json::array();
  for (const KeySpec& key : section.keys) {
    Json& property = schema["properties"][key.name] = type_schema(key);
    const std::string otherwise = default_words(key);
    property["description"] = otherwise.empty() ? key.doc : fmt::format("{} Default: {}.", key.doc, otherwise);
    if (key.required) required.push_back(key.name);
  }
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

// One parameter, with the variable that may stand for it; its description is kept outside.
Json param_or_variable(const ParamSpec& spec) {
  Json schema = Json::parse(param_schema(spec).dump());
  const Json description = schema["description"];
  schema.erase("description");
  Json either = or_variable(std::move(schema));
  either["description"] = description;
  return either;
}

Json task_params(const TaskDecl& task) {
  Json schema = {{"type", "object"}, {"additionalProperties", false}, {"properties", Json::object()}};
  Json required = Json::array();
  for (const ParamSpec& spec : task.params) {
    schema["properties"][spec.name] = param_or_variable(spec);
    if (!spec.default_value) required.push_back(spec.name);
  }
  if (!required.empty()) schema["required"] = required;
  return schema;
}

// Which tasks may stand here, and the parameters of each.
void add_tasks(Json& stage, const TaskCatalog& catalog, bool sinks) {
  Json names = Json::array(), rules = Json::array();
  for (const TaskDecl& task : catalog.all()) {
    if (task.sink != sinks) continue;
    names.push_back({{"const", task.name}, {"description", task.doc}});
    const Json params = task_params(task);
    Json then = {{"properties", {{"params", params}}}};
    if (params.contains("required")) then["required"] = Json::array({"params"});
    rules.push_back({{"if", {{"properties", {{"task", {{"const", task.name}}}}}, {"required", Json::array({"task"})}}},
                     {"then", std::move(then)}});
  }
  names.push_back(with_pattern(kVariable));
  stage["properties"]["task"]["anyOf"] = std::move(names);
  for (const char* key : {"type", "minLength"}) stage["properties"]["task"].erase(key);
  if (!rules.empty()) stage["allOf"] = std::move(rules);
}

// A stage reads either what is named in 'from', or an adopted topic.
Json reads_something() {
  const Json adopts = {
      {"properties",
       {{"topic", {{"properties", {{"adopt", {{"const", true}}}}}, {"required", Json::array({"adopt", "name"})}}}}},
      {"required", Json::array({"topic"})}};
  return Json::array({{{"required", Json::array({"from"})}}, adopts});
}

Json one_kind() {
  Json kinds = Json::array();
  for (const SourceDecl& kind : source_kinds()) kinds.push_back({{"required", Json::array({kind.name})}});
  return kinds;
}

}  // namespace

Json topology_schema(const TaskCatalog& catalog) {
  Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "RIDE topology"}};
  schema.update(section_schema(file_section()));
  Json defs;
  defs["source"] = section_schema(source_section());
  defs["source"]["oneOf"] = one_kind();
  for (const SourceDecl& kind : source_kinds())
    if (const Section* own = section_of(kind)) defs[own->name] = section_schema(*own);
  for (const bool sinks : {false, true}) {
    Json& stage = defs[sinks ? "sink" : "stage"] = section_schema(sinks ? sink_section() : stage_section());
    stage["oneOf"] = reads_something();
    add_tasks(stage, catalog, sinks);
  }
  for (const Section* section : {&topic_section(), &group_section(), &output_section(), &test_section(),
                                 &input_section(), &expect_section(), &object_section()}) {
    defs[section->name] = section_schema(*section);
  }
  schema["$defs"] = std::move(defs);
  return schema;
}

}  // namespace ride::topology
