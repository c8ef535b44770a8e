#include "producer/producer_metrics.h"

#include <map>

#include "common/metrics.h"

namespace ride::producer {

const MetricsTable& producer_metrics() {
  static const std::vector<std::string> labels = {"job", "source"};
  static const MetricsTable table = {
      {"ride_producer_sent_frames_total",
       MetricType::counter,
       "Frames that the brokers acknowledged in this session.",
       labels,
       {}},
      {"ride_producer_dropped_frames_total",
       MetricType::counter,
       "Frames that were left out because they were late (when_late, max_age).",
       labels,
       {}},
      {"ride_producer_rejected_items_total", MetricType::counter, "Items that were not a usable picture.", labels, {}},
      {"ride_producer_gaps_total", MetricType::counter, "How often a live source could not be reached.", labels, {}},
      {"ride_producer_longest_gap_seconds",
       MetricType::gauge,
       "The longest time for which a live source could not be reached.",
       labels,
       {}},
      {"ride_producer_connected_state", MetricType::gauge, "1 while the source gives frames, else 0.", labels, {}},
      {"ride_producer_rate_fps",
       MetricType::gauge,
       "Acknowledged frames per second over the last seconds.",
       labels,
       {}},
      {"ride_producer_last_frame_seconds",
       MetricType::gauge,
       "When the last frame was captured, as Unix time.",
       labels,
       {}},
      {"ride_producer_refused_decisions_total",
       MetricType::counter,
       "Records of the decisions log that were refused: they cannot be read, or belong to another log.",
       {},
       {}},
      {"ride_producer_buffered_bytes", MetricType::gauge, "Bytes of frames on their way to Kafka.", {}, {}},
  };
  return table;
}

std::string metrics_text(const std::vector<stream::SourceProgress>& sources, std::int64_t buffered_bytes,
                         std::int64_t refused_decisions) {
  std::map<std::string, std::map<Metrics::Labels, double>> values;
  for (const stream::SourceProgress& source : sources) {
    const Metrics::Labels labels = {source.job.value, source.source};
    const auto set = [&](const char* name, double value) { values[name][labels] = value; };
    set("ride_producer_sent_frames_total", static_cast<double>(source.frames));
    set("ride_producer_dropped_frames_total", static_cast<double>(source.dropped));
    set("ride_producer_rejected_items_total", static_cast<double>(source.rejected));
    set("ride_producer_gaps_total", static_cast<double>(source.gaps));
    set("ride_producer_longest_gap_seconds", source.longest_gap_ms / 1000);
    set("ride_producer_connected_state", source.connected ? 1 : 0);
    set("ride_producer_rate_fps", source.fps);
    set("ride_producer_last_frame_seconds",
        std::chrono::duration<double>(source.last_frame.time_since_epoch()).count());
  }
  Metrics metrics(producer_metrics());
  for (const auto& [name, by_label] : values) metrics.replace(name, by_label);
  metrics.replace("ride_producer_refused_decisions_total", {{{}, static_cast<double>(refused_decisions)}});
  metrics.set("ride_producer_buffered_bytes", {}, static_cast<double>(buffered_bytes));
  return metrics.text();
}

}  // namespace ride::producer
