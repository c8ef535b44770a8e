// bench/run speedup: what added workers bring where the work is not this machine's cores: one worker, then eight, each
// one frame of 900x900 at a time, 200 ms a frame (asleep), always a little more frames than they can do.
#include <spdlog/fmt/fmt.h>

#include <cstdio>
#include <thread>

#include "bench/benchmarks.h"
#include "bench/timed_job.h"

namespace ride::bench {

namespace {

using namespace std::chrono_literals;

constexpr int kWorkers = 8;
constexpr double kWorkMs = 200;
constexpr auto kSettle = 5s;

// Frames per second of so many workers, from first to last arrival within the time.
Result<double> measure(int workers, std::chrono::seconds watched) {
  const double offered = 1.1 * workers * 1000 / kWorkMs;
  auto job = TimedJob::start(
      {.source =
           fmt::format("{{ synthetic: {{ width: 900, height: 900, channels: 1 }}, fps: {:.2f}, codec: raw }}", offered),
       .group = fmt::format("{{ min: {0}, max: {0} }}", workers),
       .partitions = 3 * kWorkers,
       .work_ms = kWorkMs,
       .slots = workers});
  if (!job.ok()) return job.error();
  RIDE_TRY((*job)->wait_for_owners(static_cast<std::size_t>(workers), 30s));
  auto& recorder = (*job)->recorder();
  if (!wait_until(20s, [&] { return !recorder.arrivals_since({}).empty(); }))
    return Error{ErrorCode::timeout, "no frames came"};
  std::this_thread::sleep_for(kSettle);  // a small lag everywhere: nobody waits for frames
  const auto begin = system_now();
  std::this_thread::sleep_for(watched);
  const auto arrivals = recorder.arrivals_since(begin);
  if (const auto failed = recorder.failed()) return *failed;
  if (arrivals.size() < 10) return Error{ErrorCode::internal, "too few frames came"};
  const std::chrono::duration<double> seconds = arrivals.back().arrived - arrivals.front().arrived;
  return static_cast<double>(arrivals.size() - 1) / seconds.count();
}

}  // namespace

Result<Figures> run_speedup(const Options& options) {
  const std::chrono::seconds watched(options.seconds > 0 ? options.seconds : 30);
  RIDE_ASSIGN(auto one, measure(1, watched));
  RIDE_ASSIGN(auto all, measure(kWorkers, watched));
  Figures figures;
  figures["workers"] = kWorkers;
  figures["speedup"] = all / one;
  figures["one_fps"] = one;
  figures["all_fps"] = all;
  figures["possible_fps"] = kWorkers * 1000 / kWorkMs;
  return figures;
}

}  // namespace ride::bench
