// The benchmarks by name. Each starts what it needs, measures, and cleans up.
#pragma once

#include "bench/figures.h"
#include "common/result.h"

namespace ride::bench {

struct Options {
  int frames = 0;  // 0: the benchmark's own number
  int rounds = 0;
  bool verbose = false;  // single measurements to standard error
};

Result<Figures> run_latency(const Options& options);
Result<Figures> run_floor(const Options& options);

}  // namespace ride::bench
