#include "tests/master/simulated_load.h"

#include <algorithm>

namespace ride::master::test {

// The partition that lags most first, a little at a time, until the time is used up or nothing is left.
void SimulatedLoad::work(Worker& worker, const std::vector<Log*>& partitions, double seconds) {
  double left = seconds * worker.speed;
  for (int slice = 0; slice < 64 && left > 1e-9; ++slice) {
    auto* most = *std::max_element(partitions.begin(), partitions.end(),
                                   [](const Log* a, const Log* b) { return a->end - a->done < b->end - b->done; });
    const double frames = std::min({left, most->end - most->done, std::max(seconds * worker.speed / 32, 1e-9)});
    if (frames <= 0) return;
    most->done += frames;
    worker.frames += frames;
    worker.busy += frames / worker.speed;
    left -= frames;
  }
}

void SimulatedLoad::fill(stream::Heartbeat& beat) const {
  const auto worker = speeds_.find(beat.id);
  if (worker != speeds_.end()) {
    beat.frames = static_cast<std::int64_t>(worker->second.frames);
    beat.busy_seconds = worker->second.busy;
  }
  for (auto& progress : beat.partitions) {
    const auto stage = logs_.find({progress.job, progress.run, progress.stage});
    if (stage == logs_.end()) continue;
    const auto& log = stage->second.at(static_cast<std::size_t>(progress.partition.value));
    // Round-robin: they do not all get their next frame at the same moment.
    const auto turn = static_cast<double>(progress.partition.value) / static_cast<double>(stage->second.size());
    progress.end = static_cast<std::int64_t>(log.end + turn);
    progress.committed = progress.position = progress.counters.acked = static_cast<std::int64_t>(log.done);
  }
}

double SimulatedLoad::lag(const StageKey& stage) const {
  double sum = 0;
  if (const auto found = logs_.find(stage); found != logs_.end())
    for (const auto& log : found->second) sum += log.end - log.done;
  return sum;
}

double SimulatedLoad::finished(const StageKey& stage) const {
  double sum = 0;
  if (const auto found = logs_.find(stage); found != logs_.end())
    for (const auto& log : found->second) sum += log.done;
  return sum;
}

}  // namespace ride::master::test
