// A metric is declared once, in a table: name, help, labels. The registry takes nothing that is not in its table, and
// the reference page is written from it. Labels are bounded: jobs, stages, sources; never an offset or a frame. Pure
// values.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace ride {

enum class MetricType { counter, gauge, histogram };
const char* to_string(MetricType type);

struct MetricDecl {
  std::string name;  // ride_<what>_<unit>, counters ..._total
  MetricType type = MetricType::gauge;
  std::string help;                 // one sentence
  std::vector<std::string> labels;  // in the order in which values are given
  std::vector<double> buckets;      // of a histogram: upper bounds, rising
};

using MetricsTable = std::vector<MetricDecl>;

// What breaks the naming rules in the table, or nothing.
std::optional<std::string> find_fault(const MetricsTable& table);

// "| name | type | labels | help |" rows, for the reference page.
std::string to_markdown(const MetricsTable& table);

}  // namespace ride
