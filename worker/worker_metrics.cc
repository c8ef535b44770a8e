#include "worker/worker_metrics.h"

#include <algorithm>

#include "common/metrics.h"
#include "stream/core/outcome_sums.h"

namespace ride::worker {

const MetricsTable& worker_metrics() {
  static const std::vector<std::string> stage = {"job", "stage"};
  static const std::vector<std::string> outcome = {"job", "stage", "outcome"};
  static const MetricsTable table = {
      {"ride_worker_processed_frames_total",
       MetricType::counter,
       "Frames taken through the task by this process.",
       stage,
       {}},
      {"ride_worker_busy_seconds_total", MetricType::counter, "Time inside the task.", stage, {}},
      {"ride_worker_warm_state", MetricType::gauge, "1 when the task is open and the topics are known.", stage, {}},
      {"ride_worker_owned_partitions", MetricType::gauge, "Partitions that this process owns.", stage, {}},
      {"ride_worker_lag_frames", MetricType::gauge, "Records of these partitions that wait for an ACK.", stage, {}},
      {"ride_worker_oldest_unacked_seconds",
       MetricType::gauge,
       "Age of the oldest frame without an ACK, since its capture.",
       stage,
       {}},
      {"ride_worker_outcome_frames",
       MetricType::gauge,
       "What became of the frames of these partitions, over all their owners so far.",
       outcome,
       {}},
      {"ride_worker_read_queue_bytes", MetricType::gauge, "Frames that wait for the task.", stage, {}},
      {"ride_worker_refused_decisions_total",
       MetricType::counter,
       "Records of the decisions log that were refused: they cannot be read, or belong to another log.",
       {},
       {}},
      {"ride_worker_write_queue_bytes", MetricType::gauge, "Results that wait to be sent.", stage, {}},
      {"ride_worker_refused_sets_total",
       MetricType::counter,
       "Frames of several records that were refused because there was no memory left for unfinished ones.",
       stage,
       {}},
      {"ride_worker_hidden_frames_total",
       MetricType::counter,
       "Records that were dropped though their frames were never taken: a higher origin that is not their upstream's "
       "hides them.",
       stage,
       {}},
  };
  return table;
}

std::string metrics_text(const WorkerView& view) {
  Metrics metrics(worker_metrics());
  metrics.replace("ride_worker_refused_decisions_total", {{{}, static_cast<double>(view.refused_decisions)}});
  if (view.stage.empty()) return metrics.text();
  const Metrics::Labels labels = {view.job, view.stage};
  stream::OutcomeCounters sums;
  double lag = 0, oldest_ms = 0;
  for (const auto& partition : view.partitions) {
    sums += partition.counters;
    lag += static_cast<double>(std::max<std::int64_t>(0, partition.end - partition.committed));
    oldest_ms = std::max(oldest_ms, partition.oldest_unacked_age_ms);
  }
  metrics.replace("ride_worker_processed_frames_total", {{labels, static_cast<double>(view.frames)}});
  metrics.replace("ride_worker_busy_seconds_total", {{labels, view.busy_seconds}});
  metrics.set("ride_worker_warm_state", labels, view.warm ? 1 : 0);
  metrics.set("ride_worker_owned_partitions", labels, static_cast<double>(view.partitions.size()));
  metrics.set("ride_worker_lag_frames", labels, lag);
  metrics.set("ride_worker_oldest_unacked_seconds", labels, oldest_ms / 1000);
  metrics.set("ride_worker_read_queue_bytes", labels, static_cast<double>(view.read_queue_bytes));
  metrics.set("ride_worker_write_queue_bytes", labels, static_cast<double>(view.write_queue_bytes));
  metrics.replace("ride_worker_refused_sets_total", {{labels, static_cast<double>(view.refused_sets)}});
  metrics.replace("ride_worker_hidden_frames_total", {{labels, static_cast<double>(view.hidden_frames)}});
  const auto outcome = [&](const char* name, std::int64_t count) {
    metrics.set("ride_worker_outcome_frames", {view.job, view.stage, name}, static_cast<double>(count));
  };
  outcome("acked", sums.acked);
  outcome("filtered", sums.filtered);
  outcome("dropped", sums.dropped);
  outcome("dead", sums.dead);
  outcome("expired", sums.expired);
  outcome("duplicate", sums.duplicates);
  return metrics.text();
}

}  // namespace ride::worker
