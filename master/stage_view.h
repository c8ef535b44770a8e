// One stage as the REST API shows it. Pure: state in, JSON out. Missing measurements are null, never 0.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "master/core/state.h"

namespace ride::master {

nlohmann::json stage_view(const State& state, const Job& job, const stream::StageSpec& spec);

// How large each group of the job is, shall be and may be, and why; of one stage where one is named.
nlohmann::json sizes_view(const State& state, const Job& job, const StageName& stage);

// Over all partitions, as far as they were reported.
struct StageSums {
  stream::OutcomeCounters counters;
  std::int64_t committed = 0, end = 0;
};
StageSums sum(const StageReports* reports);  // null: nothing was reported

}  // namespace ride::master
