// The master's metrics: one table, and how the values come from its state. Threads: see common/metrics.h.
#pragma once

#include "common/metrics.h"
#include "master/core/state.h"

namespace ride::master {

const MetricsTable& master_metrics_table();

// Sets everything that is read from the state. Called when /metrics is asked for.
void fill_metrics(const State& state, Metrics& metrics);

}  // namespace ride::master
