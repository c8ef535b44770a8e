// The JSON of what stands both in single records of ride.decisions and in a snapshot of them. Used by control.cc and
// snapshot.cc, which alone know the JSON of the rest. from_json throws nlohmann::json::exception on a foreign value.
#pragma once

#include "common/json.h"
#include "stream/control.h"
#include "stream/spec_json.h"

namespace ride::stream {

inline void to_json(nlohmann::json& json, JobPhase phase) { json = to_string(phase); }
inline void from_json(const nlohmann::json& json, JobPhase& phase) {
  auto parsed = parse_job_phase(json.get<std::string>());
  if (!parsed.ok()) throw nlohmann::json::other_error::create(501, parsed.error().message, nullptr);
  phase = *parsed;
}

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Claim, epoch, id, http)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(FrameTotals, in, out)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(JobQueued, spec, topology, reason, at)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Strike, job, run, stage, partition, offset, frame, worker, cause, count,
                                                condemned, at)

}  // namespace ride::stream
