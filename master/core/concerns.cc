#include "master/core/concerns.h"

namespace ride::master {

std::vector<Concern> concerns_of(const Hard& hard, const stream::DecisionBody& decision) {
  WorkerId worker;
  if (const auto* out = std::get_if<stream::WorkerOut>(&decision)) worker = out->worker;
  if (const auto* join = std::get_if<stream::JoinGroup>(&decision); join != nullptr && join->stage.value.empty())
    worker = join->worker;
  if (worker.value.empty()) return {};
  if (const auto* member = hard.member(worker)) return {{member->stage.job.value, member->stage.stage.value}};
  std::vector<Concern> concerns;
  for (const auto& [name, job] : hard.jobs) {
    if (is_over(job->phase)) continue;
    const std::size_t before = concerns.size();
    for (const auto& [source_name, source] : job->sources) {
      if (source.producer != worker) continue;
      if (concerns.size() == before)
        concerns.push_back({name.value, source_name});
      else
        concerns.back().stage.clear();
    }
  }
  return concerns;
}

}  // namespace ride::master
