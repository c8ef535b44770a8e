// bench/run brokers: one of three brokers is killed, each in turn, so that the one that leads the control topics is
// among them; replication 3, two in sync. Each is back and in sync before the next goes. With --only stop they are not
// killed, but stopped: what a machine does that hangs.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <random>

#include "bench/benchmarks.h"
#include "bench/failover_job.h"

namespace ride::bench {

Result<Figures> run_brokers(const Options& options) {
  const auto seed = options.seed != 0 ? options.seed : std::random_device{}();
  fmt::print(stderr, "brokers: seed {}\n", seed);
  std::mt19937_64 random(seed);
  RIDE_ASSIGN(auto job, FailoverJob::start(false, 3));
  const int runs = options.runs > 0 ? options.runs : 10;
  const auto blow = options.only == "stop" ? FailoverJob::Blow::stop : FailoverJob::Blow::kill;
  std::array<int, 3> order = {1, 2, 3};
  std::vector<double> gaps, full;
  for (int run = 0; run < runs; ++run) {
    if (run % 3 == 0) std::shuffle(order.begin(), order.end(), random);
    const int id = order[static_cast<std::size_t>(run % 3)];
    auto fault = job->strike_broker(id, blow, random);
    if (!fault.ok())
      return Error{fault.error().code,
                   fmt::format("run {} of {}, broker {}, seed {}: {}", run + 1, runs, id, seed, fault.error().message)};
    gaps.push_back(fault->effect.gap_ms);
    full.push_back(fault->effect.full_rate_ms);
    if (options.verbose)
      fmt::print(stderr, "{:2}: broker {}: gap {:.0f}, full rate {:.0f} ms, {} redelivered\n", run + 1, id, gaps.back(),
                 full.back(), fault->redelivered);
  }
  RIDE_ASSIGN(auto statement, job->finish());
  if (options.verbose || !statement.clean()) fmt::print(stderr, "{}", ledger::to_text(statement));
  Figures figures;
  figures["runs"] = runs;
  figures["gap_ms"] = median(gaps);
  figures["full_rate_ms"] = median(full);
  figures["max_gap_ms"] = percentile(gaps, 1);
  figures["lost"] = statement.open();
  figures["duplicates"] = statement.twice();
  figures["redelivered"] = statement.redelivered();
  figures["sent"] = statement.sent;
  return figures;
}

}  // namespace ride::bench
