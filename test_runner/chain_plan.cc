#include "test_runner/chain_plan.h"

#include <algorithm>

#include "common/check.h"
#include "topology/plan.h"

namespace ride::test_runner {
namespace {

constexpr int kBrokers = 1000;  // no test depends on how many there are

// Of a cluster that has whatever the job needs.
topology::ClusterFacts facts_for(const topology::Topology& topology) {
  topology::ClusterFacts facts{.brokers = kBrokers};
  facts.topics.emplace();
  for (const auto& stage : topology.stages())
    if (stage.topic.adopt) (*facts.topics)[stage.topic.adopt->name] = std::max(stage.topic.partitions, stage.group.max);
  return facts;
}

stream::OutputSpec only_output(const std::vector<stream::OutputSpec>& outputs, const std::string& reader) {
  const auto found =
      std::find_if(outputs.begin(), outputs.end(), [&](const stream::OutputSpec& one) { return one.to == reader; });
  RIDE_CHECK(found != outputs.end(), "a test goes a way that the plan does not have");
  stream::OutputSpec output = *found;
  output.partitions = 1;
  return output;
}

// What writes into the first stage.
void plan_feed(const topology::TestCase& test, const topology::Stage& first, ChainPlan& plan) {
  plan.source = test.source;
  if (first.topic.adopt) {
    const auto& format = first.topic.adopt->format;
    plan.feed.name = plan.source = first.topic.adopt->name;
    plan.feed.outputs = {
        {.to = first.name, .topic = first.topic.adopt->name, .codec = format == "image" ? "" : format}};
    return;
  }
  if (const auto* source = plan.job.source(test.source);
      source != nullptr && std::any_of(first.from.begin(), first.from.end(),
                                       [&](const auto& upstream) { return upstream.name == test.source; })) {
    plan.feed = *source;
    plan.is_source = true;
    plan.feed.outputs = {only_output(source->outputs, first.name)};
    return;
  }
  const auto& before = *plan.job.stage(first.from.front().name);
  plan.feed.name = before.name;
  plan.feed.outputs = {only_output(before.outputs, first.name)};
}

}  // namespace

Result<ChainPlan> plan_chain(const topology::Topology& topology, const topology::TestCase& test) {
  RIDE_ASSIGN(const auto made, topology::make_plan(topology, RunNumber{1}, "ride", facts_for(topology)));
  ChainPlan plan{.job = topology::to_job_spec(made)};
  plan_feed(test, *topology.stage(test.through.front()), plan);
  std::string writer = plan.feed.name;
  for (std::size_t i = 0; i < test.through.size(); ++i) {
    const auto& name = test.through[i];
    stream::StageSpec stage = *plan.job.stage(name);
    stage.partitions = 1;
    if (!stage.adopt) stage.upstreams = {{.name = writer, .partitions = 1, .is_source = i == 0 && plan.is_source}};
    if (i + 1 < test.through.size())
      stage.outputs = {only_output(stage.outputs, test.through[i + 1])};
    else
      stage.outputs = {{.port = test.port, .to = kKept, .topic = kKept, .codec = topology.stage(name)->codec}};
    writer = name;
    plan.stages.push_back(std::move(stage));
  }
  return plan;
}

}  // namespace ride::test_runner
