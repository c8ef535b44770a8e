// What a job that is submitted again would change, as the REST API shows it. Pure: state in, JSON out.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "master/core/state.h"

namespace ride::master {

// `after`: a plan of the same job with the number of the run that would follow.
nlohmann::json change_view(const Job& before, const stream::JobSpec& after);

}  // namespace ride::master
