#include "master/plan_service.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/text.h"
#include "master/topics.h"
#include "plugin/describe.h"
#include "stream/core/control_limits.h"
#include "topology/plugin_names.h"

namespace ride::master {

std::variant<TaskCatalog, Refusal> PlanService::catalog_for(const std::string& text, const std::string& file,
                                                            const std::vector<BroughtPlugin>& plugins) const {
  const auto named = topology::named_plugins(text, config_.environment);
  std::vector<topology::Diagnostic> missing;
  for (const auto& one : named)
    if (std::none_of(plugins.begin(), plugins.end(), [&](const auto& brought) { return brought.file == one.file; }))
      missing.push_back({.file = file,
                         .line = one.place.line,
                         .column = one.place.column,
                         .length = one.place.length,
                         .message = fmt::format("the plug-in '{}' did not come with the topology", one.file),
                         .fix = "submit it with 'ride submit', which ships what the file names; a ${VAR} in the name "
                                "must have the same value there and for the master"});
  if (!missing.empty())
    return Refusal{Error{ErrorCode::invalid_argument, "plug-ins of the topology are missing"}, std::move(missing)};
  auto catalog = config_.catalog;
  for (const auto& brought : plugins) {
    if (std::none_of(named.begin(), named.end(), [&](const auto& one) { return one.file == brought.file; }))
      return Refusal{invalid_argument(fmt::format("the plug-in '{}' came with a topology that does not list it under "
                                                  "`plugins`",
                                                  one_line(brought.file))),
                     {}};
    auto with = plugin::catalog_with(catalog, brought.tasks, one_line(brought.file));
    if (!with.ok()) return Refusal{invalid_argument(with.error().message), {}};
    catalog = std::move(*with);
  }
  return catalog;
}

std::variant<topology::Topology, Refusal> PlanService::parse(const std::string& text, const std::string& file,
                                                             const std::vector<BroughtPlugin>& plugins,
                                                             const std::vector<topology::NodeOutputs>& nodes,
                                                             std::vector<topology::Diagnostic>& warnings) const {
  auto catalog = catalog_for(text, file, plugins);
  if (auto* refusal = std::get_if<Refusal>(&catalog)) return std::move(*refusal);
  auto parsed = topology::parse_topology(text, file, std::get<TaskCatalog>(catalog), config_.environment, nodes);
  if (!parsed.topology) {
    const auto errors = std::count_if(parsed.diagnostics.begin(), parsed.diagnostics.end(),
                                      [](const auto& one) { return one.severity == topology::Severity::error; });
    return Refusal{Error{ErrorCode::invalid_argument,
                         std::to_string(errors) + (errors == 1 ? " error" : " errors") + " in the topology"},
                   std::move(parsed.diagnostics)};
  }
  warnings = std::move(parsed.diagnostics);
  return *std::move(parsed.topology);
}

Result<topology::ClusterFacts> PlanService::facts(const stream::JobSpec* running) {
  const std::lock_guard lock(mutex_);
  RIDE_ASSIGN(auto topics, admin_->topics());
  RIDE_ASSIGN(auto brokers, admin_->broker_count());
  topology::ClusterFacts facts{.brokers = brokers, .max_message_bytes = config_.max_message_bytes};
  facts.topics.emplace();
  for (const auto& topic : topics) (*facts.topics)[topic.name] = topic.partitions;
  if (running == nullptr) return facts;
  for (const auto& stage : running->stages)
    facts.running[stage.name] = {.partitions = stage.partitions, .replication = stage.replication};
  return facts;
}

Result<stream::LogEnds> PlanService::ends_of_adopted(const stream::JobSpec& job) {
  const std::lock_guard lock(mutex_);
  stream::LogEnds ends;
  for (const auto& stage : job.stages) {
    if (!stage.adopt || ends.contains(stage.topic)) continue;
    for (int p = 0; p < stage.partitions; ++p) {
      auto range = admin_->range({stage.topic, PartitionId{p}});
      if (!range.ok())
        return Error{
            range.error().code,
            fmt::format("cannot find out where the adopted topic {} ends: {}", stage.topic, range.error().message),
            range.error().retriable};
      ends[stage.topic].push_back(range->end);
    }
  }
  return ends;
}

std::variant<Planned, Refusal> PlanService::plan(const topology::Topology& topology, RunNumber run,
                                                 const stream::JobSpec* running) {
  auto facts = this->facts(running);
  if (!facts.ok()) return Refusal{facts.error(), {}};
  std::vector<stream::TopicInfo> named;
  for (const auto& [name, partitions] : *facts->topics) named.push_back({name, partitions, 0});
  const auto most = run.value + stream::kMostRunRise - 1;  // a topic that somebody named so uses no numbers up
  run = std::max(run, RunNumber{highest_run(named, config_.prefix, topology.name(), most).value + 1});
  auto plan = topology::make_plan(topology, run, config_.prefix, *facts);
  if (!plan.ok()) return Refusal{plan.error(), {}};
  Planned planned{std::move(plan).value(), *facts->topics, {}};
  if (auto fits = topology::check(topology::diff(planned.existing, planned.plan)); !fits.ok())
    return Refusal{fits.error(), {}};
  return planned;
}

}  // namespace ride::master
