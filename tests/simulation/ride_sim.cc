// ride-sim: runs seeds of the simulator, replays one with its story.
#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <chrono>

#include "common/command_line.h"
#include "common/log.h"
#include "tests/simulation/replay.h"

namespace {

using namespace ride::simulation;

int replay(std::uint64_t seed, Mutation broken, bool story, bool whole) {
  const auto outcome = run_seed(seed, broken);
  if (whole || (story && outcome.problem)) fmt::print("{}", report(seed, broken, whole));
  fmt::print(
      "seed {}: {} events, {} faults, {} frames, {} repetitions, {} leaders, {} takeovers, {} snapshots, {} void "
      "parts, {} truncations, {} ms: {}\n",
      seed, outcome.events, outcome.faults, outcome.frames, outcome.repetitions, outcome.plan.leaders,
      outcome.plan.takeovers, outcome.plan.snapshots, outcome.plan.void_parts, outcome.plan.truncations,
      outcome.lasted.count() / 1000, outcome.problem.value_or("all well"));
  return outcome.problem ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seed = 0, runs = 1;
  std::string mutation = "none";
  bool story = false, whole = false;
  CLI::App app("Simulated runs of RIDE with faults: the same seed gives the same run.");
  app.add_option("--seed", seed, "the first seed");
  app.add_option("--runs", runs, "so many seeds");
  app.add_option("--break", mutation, "a rule to break on purpose (see tests/simulation/rules.h)");
  app.add_flag("--story", story, "print what led to the failure, with the faults that are needed for it");
  app.add_flag("--whole", whole, "print all that happened");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return ride::end_command_line(app, error);
  }
  const auto found =
      std::find_if(kMutations.begin(), kMutations.end(), [&](const auto& one) { return one.name == mutation; });
  if (found == kMutations.end()) return fmt::print(stderr, "there is no rule '{}'\n", mutation), 2;
  ride::init_logging("ride-sim", ride::LogLevel::error);
  if (runs == 1) return replay(seed, found->mutation, story, whole);
  int bad = 0;
  std::int64_t events = 0;
  Fired fired;
  const auto begin = std::chrono::steady_clock::now();
  for (auto one = seed; one < seed + runs; ++one) {
    const auto outcome = run_seed(one, found->mutation);
    events += outcome.events;
    for (const auto& [what, times] : outcome.fired) fired[what] += times;
    if (!outcome.problem) continue;
    if (++bad <= 20) fmt::print("seed {}: {}\n", one, *outcome.problem);
  }
  for (const auto& [what, times] : fired) fmt::print("{:>10}  {}\n", times, what);
  fmt::print("{} of {} seeds are bad; {} events, {:.1f} s\n", bad, runs, events,
             std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  return bad == 0 ? 0 : 1;
}
