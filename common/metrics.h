// Metrics: the values of one metrics table, and their text for /metrics (Prometheus exposition format 0.0.4).
// prometheus-cpp stays inside metrics.cc. Threads: any. Failure: a name that is not in the table, or a wrong number of
// labels, is a bug.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/metrics_table.h"

namespace ride {

class Metrics {
 public:
  using Labels = std::vector<std::string>;  // values, in the order of the declaration

  explicit Metrics(const MetricsTable& table);
  ~Metrics();

  void set(const std::string& gauge, const Labels& labels, double value);
  void add(const std::string& counter, const Labels& labels, double more = 1);
  void observe(const std::string& histogram, const Labels& labels, double value);
  // All values of a gauge or of a cumulative counter at once: label sets that are not named are forgotten.
  void replace(const std::string& name, const std::map<Labels, double>& values);

  std::string text() const;

 private:
  struct Inside;
  std::unique_ptr<Inside> inside_;
};

}  // namespace ride
