#include "tests/simulation/replay.h"

#include <algorithm>

namespace ride::simulation {

namespace {

constexpr std::size_t kLastLines = 40;

std::string host_name(const Scenario& scenario, int host) {
  if (host < scenario.hosts.masters) return fmt::format("master{}", host + 1);
  host -= scenario.hosts.masters;
  if (host < scenario.hosts.producers) return fmt::format("producer{}", host + 1);
  return fmt::format("worker{}", host - scenario.hosts.producers + 1);
}

std::string target_name(const Scenario& scenario, const Fault& fault) {
  if (fault.kind == FaultKind::broker) return fmt::format("broker {}", fault.target);
  if (fault.kind == FaultKind::scribe) return "who writes the next snapshot";
  return host_name(scenario, fault.target);
}

std::string describe(const Scenario& scenario) {
  std::string text;
  for (const auto& source : scenario.job.sources) {
    text += fmt::format("{} source {}", source.finite ? "finite" : "live", source.name);
    for (const auto& output : source.outputs) text += " -> " + output.to;
    text += "\n";
  }
  for (const auto& stage : scenario.job.stages)
    text += fmt::format("stage {}: {} partitions by {}, {} workers, {} spares\n", stage.name, stage.partitions,
                        stage.partition_by == stream::PartitionBy::frame ? "frame" : "source", stage.group.min,
                        stage.group.spares);
  text += fmt::format("{} masters, {} producers, {} workers\n", scenario.hosts.masters, scenario.hosts.producers,
                      scenario.hosts.workers);
  for (const auto& fault : scenario.faults) {
    text += "fault at " + to_string(fault, target_name(scenario, fault)) + "\n";
  }
  return text;
}

// Of what did not happen to frames and commits, every line; of these, the last ones.
std::string shortened(const std::vector<std::string>& story) {
  std::string text;
  for (std::size_t i = 0; i < story.size(); ++i) {
    const bool detail =
        story[i].find(" offset ") != std::string::npos || story[i].find("commit of") != std::string::npos;
    if (!detail || i + kLastLines >= story.size()) text += story[i] + "\n";
  }
  return text;
}

}  // namespace

Scenario shorten(Scenario scenario, Mutation broken) {
  for (std::size_t i = 0; i < scenario.faults.size();) {
    auto fewer = scenario;
    fewer.faults.erase(fewer.faults.begin() + static_cast<std::ptrdiff_t>(i));
    if (World(fewer, broken, false).run().problem)
      scenario = std::move(fewer);
    else
      ++i;
  }
  return scenario;
}

std::string report(std::uint64_t seed, Mutation broken, bool whole) {
  auto scenario = draw_scenario(seed);
  if (!whole) scenario = shorten(std::move(scenario), broken);
  const auto outcome = World(scenario, broken, true).run();
  std::string text = fmt::format("seed {}: {}\n{}", seed, outcome.problem.value_or("all well"), describe(scenario));
  if (!whole) return text + shortened(outcome.story);
  for (const auto& line : outcome.story) text += line + "\n";
  return text;
}

}  // namespace ride::simulation
