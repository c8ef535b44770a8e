// The state as the REST API shows it. Pure: state in, JSON out. Missing measurements are null, never 0.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "master/core/state.h"
#include "master/event_ring.h"
#include "topology/output_check.h"

namespace ride::master {

nlohmann::json jobs_view(const State& state);
std::optional<nlohmann::json> job_view(const State& state, const JobName& job);  // with its stages, sources, topology
nlohmann::json stages_view(const State& state);
nlohmann::json sources_view(const State& state);
nlohmann::json workers_view(const State& state);
// Where sinks may write, as the agents of live nodes announce it.
std::vector<topology::NodeOutputs> outputs_of_nodes(const State& state);
nlohmann::json artifacts_view(const State& state);  // files that jobs which are not over bring along
nlohmann::json nodes_view(const State& state);
nlohmann::json events_view(const std::vector<PastEvent>& events, std::int64_t after);
nlohmann::json phase_view(const Job& job);  // {job, run, phase}

}  // namespace ride::master
