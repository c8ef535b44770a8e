// bench/run plugin: what a task costs more as a plug-in than built in: the same work, in turns, one thread, the same
// process.
#include <algorithm>
#include <chrono>
#include <opencv2/core/utility.hpp>

#include "bench/benchmarks.h"
#include "bench/measure_task.h"
#include "common/large_buffers.h"
#include "plugin/plugin_tasks.h"

namespace ride::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kSide = 900, kRounds = 500, kNoopsInRound = 2000;
constexpr double kFastest = 0.1;

// Microseconds for each of `calls` calls.
Result<double> timed(OpenedTask& task, int calls) {
  const auto begin = Clock::now();
  for (int i = 0; i < calls; ++i) RIDE_TRY(task.process());
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count() / calls;
}

struct Pair {
  double built_in = 0, plugin = 0;  // microseconds a call: of the fastest tenth, since what else runs here only slows
};

// In turns, so that whatever else the machine does slows both; who begins changes, too.
Result<Pair> measure_pair(OpenedTask& built_in, OpenedTask& plugin, int rounds, int calls) {
  std::vector<double> ours, theirs;
  for (int round = 0; round < rounds; ++round)
    for (int turn = 0; turn < 2; ++turn) {
      const bool is_plugin = (round + turn) % 2 == 0;
      RIDE_ASSIGN(const double each, timed(is_plugin ? plugin : built_in, calls));
      (is_plugin ? theirs : ours).push_back(each);
    }
  return Pair{percentile(ours, kFastest), percentile(theirs, kFastest)};
}

}  // namespace

Result<Figures> run_plugin(const Options& options) {
  keep_large_buffers();  // as a worker does
  cv::setNumThreads(1);
  RIDE_ASSIGN(const auto registry, plugin::with_plugins(tasks::builtin_tasks(), {RIDE_BENCH_PLUGIN}));
  const int side = options.side > 0 ? options.side : kSide, rounds = options.rounds > 0 ? options.rounds : kRounds;
  const cv::Mat picture = sample_picture(side, CV_8UC1);
  const auto open = [&](const char* task) { return OpenedTask::open({.name = task, .task = task}, picture, registry); };
  RIDE_ASSIGN(const auto identity, open("identity"));
  RIDE_ASSIGN(const auto noop, open("cpp_noop"));
  RIDE_ASSIGN(const auto blur, open("box_blur"));
  RIDE_ASSIGN(const auto cpp_blur, open("cpp_box_blur"));
  RIDE_ASSIGN(const auto noops, measure_pair(*identity, *noop, rounds, kNoopsInRound));
  const int copies = noop->result().data == picture.data ? 0 : 1;
  RIDE_ASSIGN(const auto blurs, measure_pair(*blur, *cpp_blur, rounds, 1));
  if (cv::norm(blur->result(), cpp_blur->result(), cv::NORM_INF) != 0)
    return Error{ErrorCode::internal, "the plug-in's box blur is another picture than the built-in one's"};
  return Figures{{"side", side},
                 {"noop_us", noops.built_in},
                 {"cpp_noop_us", noops.plugin},
                 {"over_us", noops.plugin - noops.built_in},
                 {"copies", copies},
                 {"blur_us", blurs.built_in},
                 {"cpp_blur_us", blurs.plugin},
                 {"ratio", blurs.plugin / blurs.built_in},
                 {"fps", 1e6 / blurs.plugin}};
}

}  // namespace ride::bench
