#include "chaos/core/timeline.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace ride::chaos {

Timeline timeline_of(std::span<const Arrival> arrivals, SystemTime begin, SystemTime end,
                     std::chrono::milliseconds width, std::vector<Mark> marks) {
  Timeline timeline{begin, end, width, {}, std::move(marks)};
  const auto count = static_cast<std::size_t>((end - begin) / width);
  std::vector<std::vector<double>> late(count);
  for (const auto& one : arrivals) {
    if (one.arrived < begin) continue;
    const auto slice = static_cast<std::size_t>((one.arrived - begin) / width);
    if (slice < count) late[slice].push_back(one.late_ms());
  }
  const double length = std::chrono::duration<double>(width).count();
  std::int64_t total = 0;
  for (std::size_t i = 0; i < count; ++i) {
    total += static_cast<std::int64_t>(late[i].size());
    const auto frames = static_cast<int>(late[i].size());
    timeline.slices.push_back({static_cast<double>(i) * length, frames, frames / length, total,
                               percentile(late[i], 0.5), percentile(late[i], 1)});
  }
  return timeline;
}

std::string to_csv(const Timeline& timeline) {
  std::string csv = "second,frames,frames_per_second,frames_total,median_late_ms,worst_late_ms,mark\n";
  const double length = std::chrono::duration<double>(timeline.width).count();
  for (const auto& slice : timeline.slices) {
    std::string labels;
    for (const auto& mark : timeline.marks) {
      const double at = seconds_between(timeline.begin, mark.at);
      if (at >= slice.begin_s && at < slice.begin_s + length) labels += (labels.empty() ? "" : "; ") + mark.label;
    }
    csv += fmt::format("{:.2f},{},{:.1f},{},{:.1f},{:.1f},\"{}\"\n", slice.begin_s, slice.frames,
                       slice.frames_per_second, slice.total, slice.median_late_ms, slice.worst_late_ms, labels);
  }
  return csv;
}

}  // namespace ride::chaos
