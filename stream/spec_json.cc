#include "stream/spec_json.h"

#include "common/cause.h"

namespace ride::stream {

namespace {

// Absent in JSON when there is none.
template <class T>
void put_optional(nlohmann::json& json, const char* name, const std::optional<T>& value) {
  if (value) json[name] = *value;
}
template <class T>
void get_optional(const nlohmann::json& json, const char* name, std::optional<T>& value) {
  if (auto found = json.find(name); found != json.end()) value = found->template get<T>();
}

ParamValues params_of(const nlohmann::json& json) {
  auto found = json.find("params");
  if (found == json.end()) return {};
  auto values = params_from_json(*found);
  if (!values.ok()) throw nlohmann::json::other_error::create(501, values.error().message, nullptr);
  return std::move(values).value();
}

}  // namespace

#define RIDE_STAGE_FIELDS                                                                                   \
  name, topic, partitions, group_id, upstreams, task, outputs, sink, partition_by, group, frame_timeout_ms, \
      max_age_ms, max_pixels, keep_ms, retention_ms, replication, max_message_bytes

void to_json(nlohmann::json& nlohmann_json_j, const StageSpec& nlohmann_json_t) {
  NLOHMANN_JSON_EXPAND(NLOHMANN_JSON_PASTE(NLOHMANN_JSON_TO, RIDE_STAGE_FIELDS))
  nlohmann_json_j["params"] = params_to_json(nlohmann_json_t.params);
  put_optional(nlohmann_json_j, "adopt", nlohmann_json_t.adopt);
  if (!nlohmann_json_t.artifacts.empty()) nlohmann_json_j["artifacts"] = nlohmann_json_t.artifacts;
}
void from_json(const nlohmann::json& nlohmann_json_j, StageSpec& nlohmann_json_t) {
  const StageSpec nlohmann_json_default_obj;
  NLOHMANN_JSON_EXPAND(NLOHMANN_JSON_PASTE(NLOHMANN_JSON_FROM_WITH_DEFAULT, RIDE_STAGE_FIELDS))
  nlohmann_json_t.params = params_of(nlohmann_json_j);
  get_optional(nlohmann_json_j, "adopt", nlohmann_json_t.adopt);
  if (const auto found = nlohmann_json_j.find("artifacts"); found != nlohmann_json_j.end())
    found->get_to(nlohmann_json_t.artifacts);
}

#define RIDE_SOURCE_FIELDS \
  name, kind, uri, fps, unpaced, codec, drop_when_late, max_age_ms, max_pixels, node, finite, outputs, max_message_bytes

void to_json(nlohmann::json& nlohmann_json_j, const SourceSpec& nlohmann_json_t) {
  NLOHMANN_JSON_EXPAND(NLOHMANN_JSON_PASTE(NLOHMANN_JSON_TO, RIDE_SOURCE_FIELDS))
  nlohmann_json_j["params"] = params_to_json(nlohmann_json_t.params);
}
void from_json(const nlohmann::json& nlohmann_json_j, SourceSpec& nlohmann_json_t) {
  const SourceSpec nlohmann_json_default_obj;
  NLOHMANN_JSON_EXPAND(NLOHMANN_JSON_PASTE(NLOHMANN_JSON_FROM_WITH_DEFAULT, RIDE_SOURCE_FIELDS))
  nlohmann_json_t.params = params_of(nlohmann_json_j);
}

Result<JobSpec> job_spec_from_json(const nlohmann::json& json) {
  try {
    return json.get<JobSpec>();
  } catch (const nlohmann::json::exception& failure) {
    return Error{ErrorCode::corrupt, std::string("not a job: ") + cause_of(failure)};
  }
}

std::string JobSpec::manifest_topic(const std::string& source) const {
  return prefix + "." + job.value + "." + std::to_string(run.value) + "." + source + ".manifest";
}

const StageSpec* JobSpec::stage(const std::string& name) const {
  for (const auto& stage : stages)
    if (stage.name == name) return &stage;
  return nullptr;
}

const SourceSpec* JobSpec::source(const std::string& name) const {
  for (const auto& source : sources)
    if (source.name == name) return &source;
  return nullptr;
}

}  // namespace ride::stream
