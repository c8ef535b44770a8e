// What is known of a stage's speed at this moment (decision 0014), put together from what its workers reported: for the
// API and the metrics. Absent: unknown, which is not zero. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "master/core/state.h"

namespace ride::master {

struct StageMeasures {
  std::optional<double> arrival;       // frames per second into its topic, over the last second or more
  std::optional<double> service_rate;  // frames per busy second of a worker, the mean of the active ones
  std::optional<double> utilisation;   // busy share of the active workers' time, 0..1, their mean
  std::optional<std::int64_t> lag;     // frames without an ACK
  std::optional<double> lag_seconds;   // time to work them off, if nothing came in and all were busy
  std::optional<double> oldest_ms;     // age of the oldest frame without an ACK
};
StageMeasures measures_of(const State& state, const Job& job, const stream::StageSpec& spec);

// Workers that the groups of the job want, spares included.
int wanted_with_spares(const Job& job);

}  // namespace ride::master
