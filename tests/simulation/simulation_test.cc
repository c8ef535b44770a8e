// Every invariant over many seeds (RIDE_SIM_RUNS; RIDE_SEED picks the first one), and the same run for the same seed.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "common/log.h"
#include "tests/simulation/replay.h"

namespace ride::simulation {
namespace {

std::uint64_t first_seed() {
  const char* text = std::getenv("RIDE_SEED");
  return text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
}

// What the product logs of its trials would be told ten thousand times.
[[maybe_unused]] const bool kQuiet = (init_logging("simulation", LogLevel::error), true);

// What some runs lead to, among so many.
constexpr std::array<std::string_view, 17> kRare = {"commit lowered by a late one",
                                                    "commit refused or not answered",
                                                    "dropped",
                                                    "frames_superseded",
                                                    "reader waits for knowledge",
                                                    "asked where the decisions end",
                                                    "released while it is taken",
                                                    "taken with frames finished beyond the commit",
                                                    "taken with frames to warm up with",
                                                    "decisions not acknowledged in time",
                                                    "a leader waits for Kafka",
                                                    "a master's writer broke",
                                                    "a master's writer broke while Kafka was away",
                                                    "a member's writer broke",
                                                    "died of a frame",
                                                    "camera_lost",
                                                    "broken_picture"};

// What all runs together went through.
struct Totals {
  std::mutex mutex;
  std::vector<std::uint64_t> bad;
  std::int64_t runs = 0, events = 0, faults = 0, frames = 0, repetitions = 0, takeovers = 0, new_leaders = 0;
  std::int64_t snapshots = 0, void_parts = 0, truncations = 0, overtaken = 0, begun_behind = 0;
  std::int64_t least_events = 1'000'000, least_faults = 1'000;
  Fired fired;

  void add(std::uint64_t seed, const Outcome& outcome) {
    const std::lock_guard lock(mutex);
    if (outcome.problem) bad.push_back(seed);
    ++runs;
    events += outcome.events;
    faults += outcome.faults;
    frames += outcome.frames;
    repetitions += outcome.repetitions;
    takeovers += outcome.plan.takeovers;
    new_leaders += outcome.plan.leaders - 1;
    snapshots += outcome.plan.snapshots;
    void_parts += outcome.plan.void_parts;
    truncations += outcome.plan.truncations;
    overtaken += outcome.plan.overtaken;
    begun_behind += outcome.plan.begun_behind;
    for (const auto& [what, times] : outcome.fired) fired[what] += times;
    least_events = std::min(least_events, outcome.events);
    least_faults = std::min<std::int64_t>(least_faults, outcome.faults);
  }
};

void run_all(std::uint64_t first, std::uint64_t runs, Totals& totals) {
  std::atomic<std::uint64_t> next = first;
  const auto work = [&] {
    for (auto seed = next++; seed < first + runs; seed = next++) totals.add(seed, run_seed(seed));
  };
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < 2; ++i) threads.emplace_back(work);
}

TEST(Simulation, EveryInvariantHoldsInEverySeed) {
  Totals totals;
  run_all(first_seed(), RIDE_SIM_RUNS, totals);
  std::cout << fmt::format(
      "{} runs: {} events, {} faults, {} frames in, {} repeated sets dropped, {} takeovers, {} new leaders\n"
      "{} snapshots, {} void parts of snapshots, {} truncations, {} masters overtaken by one, {} begun at a snapshot\n",
      totals.runs, totals.events, totals.faults, totals.frames, totals.repetitions, totals.takeovers,
      totals.new_leaders, totals.snapshots, totals.void_parts, totals.truncations, totals.overtaken,
      totals.begun_behind);
  for (const auto& [what, times] : totals.fired) std::cout << fmt::format("{:>10}  {}\n", times, what);
  EXPECT_GE(totals.least_events, 1'000);
  for (const auto* never : {"frames_hidden", "not_a_frame", "sets_refused", "many_repeats", "offset_lost",
                            "a master refuses a record", "source_failed"})
    EXPECT_EQ(totals.fired[never], 0) << never << ": nobody else writes in these runs";
  for (const auto rare : kRare) EXPECT_TRUE(totals.runs < 1'000 || totals.fired[std::string(rare)] > 0) << rare;
  EXPECT_GE(totals.least_faults, 3);
  // Runs in which nothing happens would prove nothing.
  EXPECT_GE(totals.takeovers, totals.runs);
  EXPECT_GE(totals.repetitions, totals.runs);
  EXPECT_GE(totals.new_leaders, totals.runs / 6);
  EXPECT_GE(totals.truncations, totals.runs / 2);
  EXPECT_GE(totals.void_parts, totals.runs / 20);
  EXPECT_GE(totals.begun_behind, totals.runs / 20);
  EXPECT_GE(totals.overtaken, totals.runs / 100);
  std::sort(totals.bad.begin(), totals.bad.end());
  EXPECT_TRUE(totals.bad.empty()) << totals.bad.size() << " seeds fail; the first:\n"
                                  << report(totals.bad.front(), Mutation::none);
}

TEST(Simulation, ASeedGivesTheSameRunEveryTime) {
  const auto seed = first_seed();
  const auto once = run_seed(seed, Mutation::none, true), again = run_seed(seed, Mutation::none, true);
  EXPECT_EQ(once.story, again.story);
  EXPECT_EQ(once.events, run_seed(seed).events) << "telling the story changes it";
}

}  // namespace
}  // namespace ride::simulation
