// What a producer shows under /metrics: the table of its metrics (also for the reference page), and the page itself.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/metrics_table.h"
#include "common/result.h"
#include "stream/control.h"

namespace ride::producer {

const MetricsTable& producer_metrics();

// The page's text. Pure.
std::string metrics_text(const std::vector<stream::SourceProgress>& sources, std::int64_t buffered_bytes);

// Serves `text()` at GET /metrics from a thread of its own until it is destroyed.
class MetricsPage {
 public:
  virtual ~MetricsPage() = default;
  virtual const std::string& address() const = 0;  // "host:port", with the port that was found for 0
};

// `at`: "host:port". invalid_argument: not that; unavailable: the port is taken, or the host is not ours.
Result<std::unique_ptr<MetricsPage>> serve_metrics(const std::string& at, std::function<std::string()> text);

}  // namespace ride::producer
