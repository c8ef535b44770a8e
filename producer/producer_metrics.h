// What a producer shows under /metrics: the table of its metrics (also for the reference page), and the text.
#pragma once

#include <string>
#include <vector>

#include "common/metrics_table.h"
#include "stream/control.h"

namespace ride::producer {

const MetricsTable& producer_metrics();

// The page's text. Pure.
std::string metrics_text(const std::vector<stream::SourceProgress>& sources, std::int64_t buffered_bytes,
                         std::int64_t refused_decisions = 0);

}  // namespace ride::producer
