// The benchmarks by name. Each starts what it needs, measures, and cleans up.
#pragma once

#include <cstdint>
#include <string>

#include "bench/figures.h"
#include "common/result.h"

namespace ride::bench {

struct Options {
  int frames = 0;  // 0: the benchmark's own number
  int rounds = 0;
  int runs = 0;            // faults, 0: the benchmark's own number
  std::uint64_t seed = 0;  // of what is random; 0: another one each time, printed
  std::string figure;      // folder for pictures and their tables; empty: the working folder
  std::string only;        // of several parts only this one
  int seconds = 0;         // of what is measured, where that has a length
  int load = 0;            // processes that only use up the processor; 0: the benchmark's own number
  std::string size;        // of pictures, WIDTHxHEIGHT; empty: the benchmark's own
  int side = 0;            // of square pictures, in pixels; 0: the benchmark's own number
  bool verbose = false;    // single measurements to standard error
};

Result<Figures> run_latency(const Options& options);
Result<Figures> run_masters(const Options& options);
Result<Figures> run_floor(const Options& options);
Result<Figures> run_failover(const Options& options);
Result<Figures> run_node_loss(const Options& options);
Result<Figures> run_load(const Options& options);
Result<Figures> run_brokers(const Options& options);
Result<Figures> run_spares(const Options& options);
Result<Figures> run_figure12(const Options& options);
Result<Figures> run_figure13(const Options& options);
Result<Figures> run_rescale(const Options& options);
Result<Figures> run_mixed(const Options& options);
Result<Figures> run_speedup(const Options& options);
Result<Figures> run_detect(const Options& options);
Result<Figures> run_tasks(const Options& options);
Result<Figures> run_plugin(const Options& options);
Result<Figures> run_plan_scale(const Options& options);

}  // namespace ride::bench
