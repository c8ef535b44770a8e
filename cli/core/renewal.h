// Whether the workers of a job have all been replaced by new ones, by the master's view of them (/workers). Pure; any
// thread.
#pragma once

#include <map>
#include <set>
#include <string>

#include "common/json.h"

namespace ride::cli {

using Members = std::map<std::string, std::set<std::string>>;  // of each stage: ids of workers that live

Members members_of(const nlohmann::json& workers, const std::string& job);

// None of `before` lives, and each of their stages has a worker that has opened its task.
bool renewed(const nlohmann::json& workers, const std::string& job, const Members& before);

}  // namespace ride::cli
