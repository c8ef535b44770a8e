// Groups that follow their load at the size that RIDE is made for: 1,000 workers, 10,000 partitions, 1,000 cameras in
// 100 jobs, through the real decide() with a virtual clock. RIDE_FLEET_SECONDS makes the day longer (default 400),
// RIDE_SEED replays a seed.
#include "tests/master/fleet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/fmt/fmt.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <numbers>

#include "tests/support/test_seed.h"

namespace ride::master::test {
namespace {

double day() {
  const char* given = std::getenv("RIDE_FLEET_SECONDS");
  return given == nullptr ? 400 : std::stod(given);
}

std::uint32_t seed() { return static_cast<std::uint32_t>(ride::test::test_seed("RIDE_SEED", 20261121)); }

constexpr double kUsual = 3;  // frames per second and camera
constexpr double kBurst = 3;  // times as many

// Every tenth job has a steady load; the others a daily one, each with its own noon; every third of those has bursts,
// too.
struct Bursts {
  std::vector<std::vector<std::pair<double, double>>> of;  // by job: from, to

  Bursts(int jobs, double seconds, std::mt19937& random) : of(static_cast<std::size_t>(jobs)) {
    for (int j = 0; j < jobs; ++j) {
      if (is_steady(j) || j % 3 != 0) continue;
      for (double at = 60; at < seconds;) {
        at += std::uniform_real_distribution<double>(20, 200)(random);
        const double length = std::uniform_real_distribution<double>(5, 60)(random);
        of[static_cast<std::size_t>(j)].emplace_back(at, at + length);
        at += length;
      }
    }
  }
  static bool is_steady(int job) { return job % 10 == 5; }
  bool is_on(int job, double second) const {
    for (const auto& [from, to] : of[static_cast<std::size_t>(job)])
      if (second >= from && second < to) return true;
    return false;
  }
  bool begins(int job, double from, double to) const {
    for (const auto& [begin, end] : of[static_cast<std::size_t>(job)])
      if (begin >= from && begin <= to) return true;
    return false;
  }
  // Frames per second of one camera.
  double load(int job, double second, double length) const {
    if (is_steady(job)) return kUsual;
    const double phase = 2 * std::numbers::pi * (second / length + job / 100.0);
    return kUsual * (1 + 0.7 * std::sin(phase)) * (is_on(job, second) ? kBurst : 1);
  }
};

struct Tally {
  int changes = 0, flaps = 0, most = 0, steady_growths = 0;
};

// A flap: fewer and then more again (or the other way round) within half a minute though no burst came
// and no more frames did.
Tally tally_of(const Fleet& fleet, const Bursts& bursts, const Fleet::Load& load, int jobs, double settled) {
  Tally tally;
  for (int j = 0; j < jobs; ++j) {
    int changes = 0;
    const Fleet::Resized* before = nullptr;
    for (const auto& one : fleet.sizes(j)) {
      if (one.second < settled || one.held) continue;
      ++changes;
      if (before != nullptr && (one.to > one.from) != (before->to > before->from) && one.second - before->second < 30 &&
          !bursts.begins(j, before->second - 5, one.second) && load(j, one.second) < 1.1 * load(j, before->second)) {
        ++tally.flaps;
        fmt::print("job {} flaps: {:.0f} s: {}; {:.0f} s: {}\n", j, before->second, before->reason, one.second,
                   one.reason);
      }
      before = &one;
    }
    tally.changes += changes;
    tally.most = std::max(tally.most, changes);
    int growths = 0;
    for (const auto& one : fleet.sizes(j)) {
      if (!Bursts::is_steady(j) || one.second <= settled || one.to <= one.from) continue;
      tally.steady_growths = std::max(tally.steady_growths, ++growths);
      fmt::print("steady job {} grows at {:.0f} s: {}\n", j, one.second, one.reason);
    }
  }
  return tally;
}

int workers_in_groups(const Fleet& fleet, int jobs) {
  int count = 0;
  for (int j = 0; j < jobs; ++j) count += fleet.workers_of(j);
  return count;
}

void expect_nothing_wrong(const Fleet& fleet, const FleetShape& shape) {
  ASSERT_THAT(fleet.wrong(), ::testing::IsEmpty());
  const auto violation = find_violation(fleet.state.hard);
  ASSERT_EQ(violation, std::nullopt) << *violation;
  for (int j = 0; j < shape.jobs; ++j) ASSERT_LE(fleet.workers_of(j), shape.max) << "job " << j;
}

TEST(Fleet, AThousandCamerasWithDailyAndBurstyLoadDoNotMakeGroupsFlap) {
  const FleetShape shape;
  std::mt19937 random(seed());
  const double length = day();
  const Bursts bursts(shape.jobs, length, random);
  const Fleet::Load load = [&](int job, double second) { return bursts.load(job, second, length); };
  Fleet fleet(shape, seed(), load);
  const auto began = std::chrono::steady_clock::now();
  constexpr double kSettled = 60;
  int most_workers = 0, fewest_workers = shape.workers;
  double late = 0, looks = 0, worst = 0;
  while (fleet.second() < length) {
    fleet.step();
    expect_nothing_wrong(fleet, shape);
    if (::testing::Test::HasFatalFailure()) return;
    if (fleet.second() < kSettled) continue;
    const int now = workers_in_groups(fleet, shape.jobs);
    most_workers = std::max(most_workers, now);
    fewest_workers = std::min(fewest_workers, now);
    for (int j = 0; j < shape.jobs; ++j) {
      const double lag = static_cast<double>(fleet.lag(j)) / (shape.cameras * load(j, fleet.second()));
      worst = std::max(worst, lag);
      late += lag > 10;
      ++looks;
    }
  }
  const auto tally = tally_of(fleet, bursts, load, shape.jobs, kSettled);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  fmt::print(
      "seed {}: {:.0f} s of the fleet in {:.0f} s: {} decisions; {} changes of size, at most {} of a group, {} growths "
      "of "
      "a steady one, {} flaps; {} to {} workers in groups; lag above 10 s in {:.2f} % of all looks, {:.0f} s at most\n",
      seed(), fleet.second(), took.count(), fleet.decisions(), tally.changes, tally.most, tally.steady_growths,
      tally.flaps, fewest_workers, most_workers, 100 * late / looks, worst);
  EXPECT_EQ(tally.flaps, 0);
  // A group begins as small as the load of its first minute allows: 4 or 5 workers here, where 4 are just enough.
  EXPECT_LE(tally.steady_growths, 1 + length / 1000)
      << "a steady load with the noise of a camera's frames moves a group once at most";
  EXPECT_GT(tally.changes, shape.jobs / 2) << "the groups follow the day";
  EXPECT_LT(late / looks, 0.02);
}

TEST(Fleet, WorkersKilledAndGroupsRescaledInTheSameSecondKeepEveryInvariant) {
  FleetShape shape;
  shape.by_chance = false;  // so that it can come to rest
  shape.scaling.calm_ms = 10'000;
  std::mt19937 random(seed());
  bool quiet = false;
  // A load that jumps in every job every 15 s, so that groups are always on their way to another size.
  Fleet fleet(shape, seed(), [&](int job, double second) {
    const int turn = (static_cast<int>(second / 15) + job) % 3;
    return quiet ? kUsual : kUsual * (turn == 0 ? 0.3 : turn == 1 ? 1 : 2);
  });
  int killed = 0, rescaled = 0;
  while (fleet.second() < 100) {
    if (fleet.second() > 20 && static_cast<int>(fleet.second()) % 5 == 0) {
      for (int i = 0; i < 40; ++i, ++killed)
        fleet.kill(static_cast<int>(random() % static_cast<unsigned>(shape.workers)));
      for (int i = 0; i < 10; ++i, ++rescaled) {
        const auto key = fleet.stage(static_cast<int>(random() % static_cast<unsigned>(shape.jobs)));
        fleet.ask(ScaleRequest{.ticket = 1000 + rescaled,
                               .job = key.job,
                               .stage = key.stage,
                               .workers = 1 + static_cast<int>(random() % 20),
                               .hold = random() % 2 == 0});
      }
    }
    fleet.step();
    expect_nothing_wrong(fleet, shape);
    if (::testing::Test::HasFatalFailure()) return;
  }
  // All let go, a steady load, nobody dies: it comes to rest, and nothing is left behind.
  quiet = true;
  for (int j = 0; j < shape.jobs; ++j)
    fleet.ask(ScaleRequest{.ticket = 5000 + j, .job = fleet.stage(j).job, .hold = false});
  for (const double until = fleet.second() + 60; fleet.second() < until;) fleet.step();
  expect_nothing_wrong(fleet, shape);
  const auto decisions = fleet.decisions();
  for (int i = 0; i < 15; ++i) fleet.step();
  EXPECT_EQ(fleet.decisions(), decisions)
      << "the plan does not come to rest: " << ::testing::PrintToString(fleet.last_words());
  for (int j = 0; j < shape.jobs; ++j) {
    for (const auto& partition : fleet.state.hard.find(fleet.stage(j))->partitions)
      EXPECT_FALSE(partition.owner.value.empty()) << "job " << j;
    EXPECT_LT(fleet.lag(j), 5 * kUsual * shape.cameras) << "job " << j;
  }
  fmt::print("{} workers killed and {} groups rescaled; {} decisions\n", killed, rescaled, fleet.decisions());
}

}  // namespace
}  // namespace ride::master::test
