// JSON of stream/spec.h, for the decisions log and the API. from_json throws nlohmann::json::exception: only for use
// inside code that catches it (stream/control.cc, stream/spec_json.cc).
#pragma once

#include "common/json.h"
#include "common/result.h"
#include "common/units.h"
#include "stream/spec.h"

// Times are microseconds since the epoch in the control records: short, exact, and comparable by any tool.
namespace nlohmann {
template <>
struct adl_serializer<ride::SystemTime> {
  static void to_json(json& json, const ride::SystemTime& time) { json = time.time_since_epoch().count(); }
  static void from_json(const json& json, ride::SystemTime& time) {
    time = ride::SystemTime(std::chrono::microseconds(json.get<std::int64_t>()));
  }
};
}  // namespace nlohmann

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

NLOHMANN_JSON_SERIALIZE_ENUM(PartitionBy, {{PartitionBy::frame, "frame"},
                                           {PartitionBy::source, "source"},
                                           {PartitionBy::tile, "tile"}})

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(UpstreamSpec, name, partitions, is_source)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(OutputSpec, port, to, topic, partitions, partition_by, codec)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(AdoptSpec, format, shape, depth)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ScalingSpec, target, drain_ms, calm_ms)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(GroupSpec, device, min, max, spares, cores, memory_bytes, labels,
                                                scaling)

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ArtifactRef, name, sha256, size, upload, offset)

void to_json(nlohmann::json& json, const StageSpec& spec);
void from_json(const nlohmann::json& json, StageSpec& spec);
void to_json(nlohmann::json& json, const SourceSpec& spec);
void from_json(const nlohmann::json& json, SourceSpec& spec);

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(JobSpec, job, run, prefix, sources, stages, finite, priority)

// The same without exceptions: corrupt when the object is not a job.
Result<JobSpec> job_spec_from_json(const nlohmann::json& json);

}  // namespace ride::stream
