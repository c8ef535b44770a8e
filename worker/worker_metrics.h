// What a worker shows under /metrics: the table of its metrics (also for the reference page), and the text. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/metrics_table.h"
#include "stream/control.h"

namespace ride::worker {

const MetricsTable& worker_metrics();

// Of one moment.
struct WorkerView {
  std::string job, stage;  // empty: it belongs to none
  std::int64_t frames = 0;
  double busy_seconds = 0;
  bool warm = false;
  std::int64_t refused_decisions = 0;
  std::int64_t read_queue_bytes = 0, write_queue_bytes = 0;
  std::int64_t refused_sets = 0, hidden_frames = 0;
  std::vector<stream::PartitionProgress> partitions;
};
std::string metrics_text(const WorkerView& view);

}  // namespace ride::worker
