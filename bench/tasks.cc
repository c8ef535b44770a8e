// bench/run tasks: each task that processes pictures on a made one, in turns with the plain calls that somebody would
// write without RIDE (task_cases.h), one thread, the same process, medians.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <iostream>
#include <opencv2/core/utility.hpp>

#include "bench/benchmarks.h"
#include "bench/measure_task.h"
#include "common/large_buffers.h"

namespace ride::bench {
namespace {

constexpr int kSide = 900;

Figures figures_of(const MeasuredTask& measured, double megapixels, double most_off) {
  const MeasuredPlain& plain = measured.fastest_plain();
  Figures figures{{"mpx_per_s", megapixels / measured.seconds},
                  {"plain_mpx_per_s", megapixels / plain.seconds},
                  {"ratio", plain.seconds / measured.seconds},
                  {"plain", plain.what}};
  // No plain call is as exact as the task: how far the one beside it is.
  if (!plain.meets) figures["plain_off"] = fmt::format("{:g} instead of {:g}", plain.off, most_off);
  return figures;
}

void print_all(const std::string& name, const MeasuredTask& measured, double megapixels) {
  std::cerr << fmt::format("{}: {:.1f} Mpx/s\n", name, megapixels / measured.seconds);
  for (const MeasuredPlain& plain : measured.plain)
    std::cerr << fmt::format("    {:.1f} Mpx/s  {}, {:g} off{}\n", megapixels / plain.seconds, plain.what, plain.off,
                             plain.meets ? "" : ", too far");
}

}  // namespace

Result<Figures> run_tasks(const Options& options) {
  keep_large_buffers();  // as a worker does
  cv::setNumThreads(1);
  const int side = options.side > 0 ? options.side : kSide;
  MeasureLimits limits;
  if (options.rounds > 0) limits.least_rounds = limits.most_rounds = options.rounds;
  const double megapixels = 1e-6 * side * side;
  Figures figures{{"side", side}};
  double lowest = 1e9;
  std::string slowest;
  for (const TaskCase& one : task_cases()) {
    if (!options.only.empty() && options.only != one.name && options.only != one.task) continue;
    const auto measured = measure_task(one, sample_picture(side, one.type), limits);
    if (!measured) {
      figures[one.name] = Figures{{"not_measured", measured.error().message}};
      continue;
    }
    if (options.verbose) print_all(one.name, *measured, megapixels);
    figures[one.name] = figures_of(*measured, megapixels, one.most_off);
    const MeasuredPlain& plain = measured->fastest_plain();
    if (plain.meets && plain.seconds / measured->seconds < lowest)
      lowest = plain.seconds / measured->seconds, slowest = one.name;
  }
  if (figures.size() == 1)
    return Error{ErrorCode::not_found,
                 fmt::format("no task and no case of the list is named '{}': bench/task_cases*.cc", options.only)};
  if (!slowest.empty()) figures["lowest_ratio"] = lowest, figures["lowest"] = slowest;
  return figures;
}

}  // namespace ride::bench
