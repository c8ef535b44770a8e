// What the workers of a group were measured to do (decision 0014). Absent: unknown, which is not zero. Pure.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "master/core/state.h"

namespace ride::master {

// Frames per busy second, as the master measured or, before it has, as the worker itself reports.
std::optional<double> service_rate_of(const Process& process);

struct GroupRates {
  std::vector<std::optional<double>> each;  // frames per busy second, in the order of the workers
  std::optional<double> mean;               // of those that are known
  std::optional<double> utilisation;        // busy share of the time, 0..1, the mean of those that are known
};
GroupRates rates_of(const Soft& soft, const std::set<WorkerId>& workers);

}  // namespace ride::master
