// Small things that all views share: how what is not known is shown, and where a report is found. Pure.
#pragma once

#include <optional>

#include "common/json.h"
#include "common/units.h"
#include "master/core/state.h"

namespace ride::master {

inline nlohmann::json time_or_null(SystemTime time) {
  return time == SystemTime{} ? nlohmann::json() : nlohmann::json(format_time(time));
}
inline nlohmann::json measured(double value) { return value > 0 ? nlohmann::json(value) : nlohmann::json(); }
template <class T>
nlohmann::json or_null(const std::optional<T>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json();
}

inline const StageReports* reports_of(const State& state, const Job& job, const StageName& stage) {
  const auto found = state.soft.stages.find({job.spec->job, job.spec->run, stage});
  return found == state.soft.stages.end() ? nullptr : &found->second;
}

inline const Process* process_of(const State& state, const WorkerId& id) {
  const auto found = state.soft.processes.find(id);
  return found == state.soft.processes.end() ? nullptr : &found->second;
}

}  // namespace ride::master
