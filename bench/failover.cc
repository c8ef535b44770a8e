// bench/run failover: two of a group's three workers die at a random moment, again and again, on one cluster. "agent":
// an agent sees its children end. "node": agents die with their workers, so that only missing heartbeats show it.
// bench/run node-loss: of one node at a time.
// bench/run figure13: the timeline of frames while workers die, as a picture and as a table.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cstdio>
#include <random>
#include <thread>

#include "bench/benchmarks.h"
#include "bench/failover_job.h"
#include "chaos/figure.h"

namespace ride::bench {

namespace {

using namespace std::chrono_literals;

Figures summary(const std::vector<Fault>& faults, const ledger::Statement& statement) {
  const auto middle = [&faults](auto value) {
    std::vector<double> values;
    values.reserve(faults.size());
    for (const auto& fault : faults) values.push_back(value(fault));
    return median(values);
  };
  const auto most = [&faults](auto value) {
    double most = 0;
    for (const auto& fault : faults) most = std::max(most, value(fault));
    return most;
  };
  Figures figures;
  figures["runs"] = faults.size();
  figures["detect_ms"] = middle([](const Fault& one) { return one.detect_ms; });
  figures["gap_ms"] = middle([](const Fault& one) { return one.effect.gap_ms; });
  figures["full_rate_ms"] = middle([](const Fault& one) { return one.effect.full_rate_ms; });
  figures["redelivered"] = middle([](const Fault& one) { return static_cast<double>(one.redelivered); });
  figures["lost"] = statement.open();
  figures["duplicates"] = statement.twice();
  // Where the time goes, each from the fault on.
  figures["assign_ms"] = middle([](const Fault& one) { return one.assign_ms; });
  figures["usual_ms"] = middle([](const Fault& one) { return one.effect.median_before_ms; });
  figures["max_detect_ms"] = most([](const Fault& one) { return one.detect_ms; });
  figures["max_gap_ms"] = most([](const Fault& one) { return one.effect.gap_ms; });
  figures["on_spares"] = std::count_if(faults.begin(), faults.end(), [](const Fault& one) { return one.on_spares; });
  figures["sent"] = statement.sent;
  return figures;
}

Result<Figures> run_kind(bool node, const Options& options, std::uint64_t seed, std::size_t victims = 2) {
  const char* kind = node ? "node" : "agent";
  std::mt19937_64 random(seed);
  RIDE_ASSIGN(auto job, FailoverJob::start(node));
  std::vector<Fault> faults;
  const int runs = options.runs > 0 ? options.runs : 20;
  for (int run = 1; run <= runs; ++run) {
    auto fault = job->strike(victims, random);
    if (!fault.ok())
      return Error{fault.error().code,
                   fmt::format("{}, run {} of {}, seed {}: {}", kind, run, runs, seed, fault.error().message)};
    faults.push_back(*fault);
    if (options.verbose)
      fmt::print(stderr, "{} {:2}: detect {:.0f}, assign {:.0f}, gap {:.0f}, full rate {:.0f} ms, {} redelivered{}\n",
                 kind, run, fault->detect_ms, fault->assign_ms, fault->effect.gap_ms, fault->effect.full_rate_ms,
                 fault->redelivered, fault->on_spares ? "" : ", not on the spares");
  }
  RIDE_ASSIGN(auto statement, job->finish());
  if (options.verbose || !statement.clean()) fmt::print(stderr, "{}", ledger::to_text(statement));
  return summary(faults, statement);
}

}  // namespace

Result<Figures> run_failover(const Options& options) {
  const auto seed = options.seed != 0 ? options.seed : std::random_device{}();
  fmt::print(stderr, "failover: seed {}\n", seed);
  Figures figures;
  for (const bool node : {false, true}) {
    const char* kind = node ? "node" : "agent";
    if (!options.only.empty() && options.only != kind) continue;
    RIDE_ASSIGN(auto part, run_kind(node, options, seed));
    figures[kind] = std::move(part);
  }
  if (figures.empty()) return Error{ErrorCode::invalid_argument, "--only takes agent or node"};
  return figures;
}

Result<Figures> run_node_loss(const Options& options) {
  const auto seed = options.seed != 0 ? options.seed : std::random_device{}();
  fmt::print(stderr, "node-loss: seed {}\n", seed);
  return run_kind(true, options, seed, 1);
}

// As in the paper's figure: the frames that a job delivers while its workers are killed, here first one and then two,
// with their agents, so that only missing heartbeats show it.
Result<Figures> run_figure13(const Options& options) {
  const auto seed = options.seed != 0 ? options.seed : std::random_device{}();
  fmt::print(stderr, "figure13: seed {}\n", seed);
  std::mt19937_64 random(seed);
  RIDE_ASSIGN(auto job, FailoverJob::start(true));
  auto& recorder = job->recorder();
  if (!wait_until(20s, [&] { return recorder.arrivals_since({}).size() > 30; }))
    return Error{ErrorCode::timeout, "no frames came"};
  const auto begin = system_now();
  std::vector<chaos::Mark> marks;
  std::vector<Fault> faults;
  for (const std::size_t victims : {1, 2}) {
    std::this_thread::sleep_for(12s);
    RIDE_ASSIGN(auto fault, job->strike(victims, random));
    faults.push_back(fault);
    marks.push_back({fault.at, victims == 1 ? "1 of 3 workers killed" : "2 of 3 workers killed"});
  }
  std::this_thread::sleep_for(12s);
  const auto timeline = chaos::timeline_of(recorder.arrivals_since(begin), begin, system_now(), 500ms, marks);
  RIDE_ASSIGN(auto statement, job->finish());
  const std::string folder = options.figure.empty() ? "." : options.figure;
  const auto title = fmt::format("Frames processed while workers are killed: {} sent, {} lost, {} counted twice",
                                 statement.sent, statement.open(), statement.twice());
  RIDE_TRY(chaos::write_figure(timeline, title, folder, "figure13"));
  fmt::print(stderr, "wrote {0}/figure13.png and {0}/figure13.csv\n", folder);
  return summary(faults, statement);
}

}  // namespace ride::bench
