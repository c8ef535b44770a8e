#include "common/metrics_table.h"

#include <algorithm>
#include <regex>
#include <set>

namespace ride {

const char* to_string(MetricType type) {
  switch (type) {
    case MetricType::counter:
      return "counter";
    case MetricType::gauge:
      return "gauge";
    case MetricType::histogram:
      return "histogram";
  }
  return "";
}

std::optional<std::string> find_fault(const MetricsTable& table) {
  static const std::regex kName("ride(_[a-z0-9]+){2,}");
  static const std::regex kLabel("[a-z][a-z0-9_]*");
  std::set<std::string> names;
  for (const auto& metric : table) {
    if (!std::regex_match(metric.name, kName)) return metric.name + " is not named ride_<what>_<unit>";
    if (metric.name.ends_with("_total") != (metric.type == MetricType::counter))
      return metric.name + ": counters, and only they, end in _total";
    if (!names.insert(metric.name).second) return metric.name + " is declared twice";
    if (metric.help.empty()) return metric.name + " has no help";
    for (const auto& label : metric.labels)
      if (!std::regex_match(label, kLabel)) return metric.name + ": bad label '" + label + "'";
    const bool rising = std::is_sorted(metric.buckets.begin(), metric.buckets.end());
    if ((metric.type == MetricType::histogram) == metric.buckets.empty() || !rising)
      return metric.name + ": histograms, and only they, have rising buckets";
  }
  return std::nullopt;
}

std::string to_markdown(const MetricsTable& table) {
  std::string text = "| name | type | labels | help |\n|---|---|---|---|\n";
  for (const auto& metric : table) {
    std::string labels;
    for (const auto& label : metric.labels) labels += (labels.empty() ? "" : ", ") + label;
    text += "| `" + metric.name + "` | " + to_string(metric.type) + " | " + labels + " | " + metric.help + " |\n";
  }
  return text;
}

}  // namespace ride
