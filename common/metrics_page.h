// MetricsPage: serves a process's metrics over HTTP (common/http_loop.h), from threads of its own: one for all sockets,
// and two that make the text.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/result.h"

namespace ride {

class MetricsPage {
 public:
  virtual ~MetricsPage() = default;
  virtual const std::string& address() const = 0;  // "host:port", with the port that was found for 0
};

// Serves `text()` at GET /metrics until the page is destroyed; `text` is called on threads of its own. `at`:
// "host:port". invalid_argument: not that; unavailable: the port is taken, or the host is not ours.
Result<std::unique_ptr<MetricsPage>> serve_metrics(const std::string& at, std::function<std::string()> text);

}  // namespace ride
