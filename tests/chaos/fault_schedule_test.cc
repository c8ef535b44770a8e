// Real processes under a seeded schedule of at least fifty mixed faults in one run, some of which overlap: brokers,
// masters, nodes and workers are killed, stopped, cut off and slowed down. No frame may be lost, none may count twice,
// as the ledger counts at the topics and at the sink's files. RIDE_FAULT_SEED replays a seed; without it the same one
// runs each time.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <map>

#include "chaos/cut.h"
#include "chaos/experiment.h"
#include "chaos/plan_file.h"
#include "cli/master_client.h"
#include "cli/submit.h"
#include "common/log.h"
#include "tests/support/temp_folder.h"
#include "tests/support/test_seed.h"

namespace ride::chaos {
namespace {

// Two stages of different partition counts, a filter that emits nothing for some frames would need pictures that
// differ; the sink writes a file for each frame.
constexpr const char* kTopology = R"(
ride: v1
name: storm
sources:
  cam: { synthetic: { width: 160, height: 120, channels: 1 }, fps: 40, codec: raw }
stages:
  - { name: clean, from: [cam], topic: { partitions: 4 }, task: gaussian_blur, group: { min: 2, max: 2, spares: 1 } }
  - { name: edges, from: [clean], topic: { partitions: 3 }, task: canny, group: { min: 1, max: 1, spares: 1 }, output: { topic: storm-out, partitions: 2 } }
sinks:
  - { name: album, from: [edges], topic: { partitions: 2 }, task: write_images, params: { path: "out/{source}/{session}/{seq}.png", sync: false } }
)";

constexpr const char* kPlan = R"(
ride_chaos: v1
brokers: 3
masters: 2
nodes: 4
slots: 2
calm: 3s
over: 180s
back_after: 500ms
random:
  - { kill: worker, times: 10 }
  - { stop: worker, times: 7, for: 2s..4s }
  - { slow: worker, to: 5%, times: 5, for: 2s..4s }
  - { kill: node, times: 5 }
  - { stop: node, times: 5, for: 2s..4s }
  - { kill: master, times: 6 }
  - { stop: master, times: 6, for: 2s..4s }
  - { kill: broker, times: 6 }
)";
// Where control groups allow it (root, as in CI).
constexpr const char* kCuts = R"(
  - { cut: node, times: 6, for: 2s..4s }
  - { cut: master, times: 6, for: 2s..4s }
)";

std::string plan_text() {
  const auto gate = NetworkGate::make("ride-cuts-" + std::to_string(::getpid()));
  if (gate.ok()) return std::string(kPlan) + (kCuts + 1);
  std::cout << "SKIPPED, the cuts only: " << gate.error().message << std::endl;
  return kPlan;
}

std::uint64_t seed() { return test::test_seed("RIDE_FAULT_SEED", 20261121); }

TEST(FaultSchedule, FiftyMixedFaultsLoseNothingAndCountNothingTwice) {
  init_logging("fault-schedule", LogLevel::error);  // brokers that are away are part of it
  const auto text = plan_text();
  const auto plan = read_plan("the test's plan", text);
  ASSERT_TRUE(plan.plan) << topology::render(plan.diagnostics, text);
  test::TempFolder folder("storm");
  ExperimentOptions options;
  options.test_cluster.folder = folder.path();
  options.test_cluster.programs = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  options.test_cluster.quick_start = true;
  options.plan = *plan.plan;
  options.seed = seed();
  options.submit = [](const std::string& url) -> Result<JobName> {
    RIDE_ASSIGN(auto master, cli::MasterClient::open(url));
    RIDE_ASSIGN(auto submitted, cli::submit(master, kTopology, "storm.yaml"));
    return JobName{submitted.job};
  };
  options.drain = [](const std::string& url, const JobName& job) -> Result<void> {
    RIDE_ASSIGN(auto master, cli::MasterClient::open(url));
    RIDE_ASSIGN(auto reply, master.post("/jobs/" + job.value + "/drain"));
    if (!reply.ok()) return cli::error_of(reply);
    return {};
  };
  options.say = [](const std::string& text) { std::cout << format_time(system_now()) << " " << text << std::endl; };
  std::cout << "seed " << options.seed << ": RIDE_FAULT_SEED replays it" << std::endl;

  const auto result = run_experiment(options);
  ASSERT_TRUE(result.ok()) << result.error().message;
  std::cout << to_text(result->report);
  EXPECT_TRUE(result->completed) << "the job did not come to its end";
  EXPECT_TRUE(result->report.crashes.empty()) << result->report.crashes.front();
  EXPECT_TRUE(result->statement.clean()) << to_text(result->statement);
  EXPECT_EQ(ledger::missing(result->files), 0) << to_text(result->files);
  ASSERT_EQ(result->files.size(), 1U);
  EXPECT_EQ(result->files[0].found, result->statement.sent);
  std::map<std::string, int> done;
  int overlapping = 0;
  for (const auto& wanted : plan.plan->random) done[std::string(to_string(wanted.kind)) + " " + wanted.target] = 0;
  for (const auto& one : result->report.faults) {
    if (!one.problem.empty()) continue;
    ++done[std::string(to_string(one.fault.kind)) + " " + one.fault.target];
    overlapping += one.overlaps;
  }
  int all = 0;
  for (const auto& [kind, count] : done) {
    EXPECT_GE(count, 3) << kind;
    all += count;
  }
  EXPECT_GE(all, 50);
  EXPECT_GE(overlapping, 3);
}

}  // namespace
}  // namespace ride::chaos
