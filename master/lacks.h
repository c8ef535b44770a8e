// What a job, or a group of another size, would wait for with the processes that are there: reported at submit and at
// scale, before anybody wonders why nothing moves. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "master/core/state.h"

namespace ride::master {

struct Lack {
  bool source = false;  // else of a stage
  std::string name, text;
};

// What would have nobody: a stage without any worker, a source without a producer. Fewer workers than `min` are no lack
// here: the job goes on with them, and says so. Other jobs keep one worker for each of their stages.
std::vector<Lack> lacks(const State& state, const stream::JobSpec& spec);
nlohmann::json lacks_view(const std::vector<Lack>& lacks);  // [{"stage" or "source", "text"}, ...]

// Why no worker that is there may load a plug-in that the job brings; empty: one may, or there is none at all, so that
// it is not known yet.
std::string plugin_refusal(const State& state, const stream::JobSpec& spec);

// Of groups that want more workers than they have and could get now; all of the job where `stage` is empty.
std::vector<Lack> lacks_of_sizes(const State& state, const Job& job, const StageName& stage);

}  // namespace ride::master
