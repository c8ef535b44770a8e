// JSON of stream/spec.h, for the decisions log and the API. from_json throws nlohmann::json::exception: only for use inside
// code that catches it (stream/control.cc, stream/spec_json.cc).
#pragma once

#include <nlohmann/json.hpp>

#include "common/result.h"
#include "stream/spec.h"

namespace ride {

template <class Tag, class Value>
void to_json(nlohmann::json& json, const StrongId<Tag, Value>& id) {
  json = id.value;
}
template <class Tag, class Value>
void from_json(const nlohmann::json& json, StrongId<Tag, Value>& id) {
  json.get_to(id.value);
}

}  // namespace ride

namespace ride::stream {

NLOHMANN_JSON_SERIALIZE_ENUM(PartitionBy, {{PartitionBy::frame, "frame"}, {PartitionBy::source, "source"}})

void to_json(nlohmann::json& json, const UpstreamSpec& spec);
void from_json(const nlohmann::json& json, UpstreamSpec& spec);
void to_json(nlohmann::json& json, const OutputSpec& spec);
void from_json(const nlohmann::json& json, OutputSpec& spec);
void to_json(nlohmann::json& json, const AdoptSpec& spec);
void from_json(const nlohmann::json& json, AdoptSpec& spec);
void to_json(nlohmann::json& json, const GroupSpec& spec);
void from_json(const nlohmann::json& json, GroupSpec& spec);
void to_json(nlohmann::json& json, const StageSpec& spec);
void from_json(const nlohmann::json& json, StageSpec& spec);
void to_json(nlohmann::json& json, const SourceSpec& spec);
void from_json(const nlohmann::json& json, SourceSpec& spec);
void to_json(nlohmann::json& json, const JobSpec& spec);
void from_json(const nlohmann::json& json, JobSpec& spec);

// The same without exceptions: corrupt when the object is not a job.
Result<JobSpec> job_spec_from_json(const nlohmann::json& json);

}  // namespace ride::stream
