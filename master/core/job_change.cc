#include "master/core/job_change.h"

namespace ride::master {

bool takes_effect_at_once(const stream::JobSpec& before, const stream::JobSpec& after) {
  if (before.stages.size() != after.stages.size()) return false;
  auto same = after;
  same.priority = before.priority;
  for (std::size_t i = 0; i < same.stages.size(); ++i) {
    auto& group = same.stages[i].group;
    const auto& old = before.stages[i].group;
    group.min = old.min;
    group.max = old.max;
    group.spares = old.spares;
    group.scaling = old.scaling;
  }
  return same == before;
}

}  // namespace ride::master
