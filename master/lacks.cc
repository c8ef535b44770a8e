#include "master/lacks.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "common/json.h"
#include "common/plugin_permit.h"
#include "master/core/offers.h"
#include "master/pool_words.h"
#include "stream/core/artifact.h"

namespace ride::master {

namespace {

using Offers = std::vector<const stream::Heartbeat*>;

// Each stage of the other jobs keeps one, whatever else is asked for.
std::set<WorkerId> kept_by_others(const State& state, const JobName& but) {
  std::set<WorkerId> kept;
  for (const auto& [name, job] : state.hard.jobs) {
    if (name == but || !has_owners(job->phase)) continue;
    for (const auto& [stage_name, stage] : job->stages)
      if (!stage->actives.empty()) kept.insert(*stage->actives.begin());
  }
  return kept;
}

// Those that others need most come last, so that a stage without requirements takes none of them.
Offers free_workers(const State& state, const JobName& job) {
  const auto kept = kept_by_others(state, job);
  Offers offers;
  for (const auto& [id, process] : state.soft.processes)
    if (process.heard && process.last.kind == ProcessKind::worker && !kept.contains(id))
      offers.push_back(&process.last);
  std::stable_sort(offers.begin(), offers.end(), [](const auto* a, const auto* b) {
    const auto worth = [](const auto* one) {
      return std::tuple(has_gpu(*one), one->labels.size(), one->cores, one->memory_bytes);
    };
    return worth(a) < worth(b);
  });
  return offers;
}

std::string names_of_stages(const stream::JobSpec& spec) {
  constexpr std::size_t kShown = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(kShown, spec.stages.size()); ++i)
    text += (i == 0 ? "" : ", ") + spec.stages[i].name;
  return text + (spec.stages.size() > kShown ? ", ..." : "");
}

std::string words_for(const State& state, const stream::JobSpec& spec, const stream::StageSpec& stage,
                      std::size_t others) {
  const bool any_fits = std::any_of(state.soft.processes.begin(), state.soft.processes.end(), [&](const auto& entry) {
    return entry.second.heard && entry.second.last.kind == ProcessKind::worker && fits(entry.second.last, stage.group);
  });
  if (!any_fits)
    return fmt::format("'{}' has no worker{}: {}", stage.name, needs(stage.group), pool_words(state, stage.group));
  return fmt::format("'{}' has no worker{}: the job needs {} workers, one for each stage ({}); {}{}", stage.name,
                     needs(stage.group), spec.stages.size(), names_of_stages(spec), pool_words(state, stage.group),
                     others == 0 ? "" : fmt::format(", of which other jobs keep {}", others));
}

void add_stages(const State& state, const stream::JobSpec& spec, std::vector<Lack>& found) {
  auto free = free_workers(state, spec.job);
  const auto others = kept_by_others(state, spec.job).size();
  std::vector<const stream::StageSpec*> stages;
  for (const auto& stage : spec.stages) stages.push_back(&stage);
  std::stable_sort(stages.begin(), stages.end(),
                   [](const auto* a, const auto* b) { return demands(a->group) > demands(b->group); });
  for (const auto* stage : stages) {
    const auto taken =
        std::find_if(free.begin(), free.end(), [&](const auto* offer) { return fits(*offer, stage->group); });
    if (taken != free.end())
      free.erase(taken);
    else
      found.push_back({.source = false, .name = stage->name, .text = words_for(state, spec, *stage, others)});
  }
}

void add_sources(const State& state, const stream::JobSpec& spec, std::vector<Lack>& found) {
  std::set<std::string> nodes;
  for (const auto& [id, process] : state.soft.processes)
    if (process.heard && process.last.kind == ProcessKind::producer) nodes.insert(process.last.node.value);
  for (const auto& source : spec.sources) {
    if (source.node.empty() ? !nodes.empty() : nodes.contains(source.node)) continue;
    const auto where = source.node.empty() ? "" : " on node " + source.node;
    found.push_back(
        {.source = true,
         .name = source.name,
         .text = fmt::format("'{}' has no producer{}: {}", source.name, where,
                             nodes.empty() ? "there is none: start ride-agent or ride-producer on a node"
                                           : fmt::format("there are producers on {}", fmt::join(nodes, ", ")))});
  }
}

}  // namespace

std::vector<Lack> lacks(const State& state, const stream::JobSpec& spec) {
  std::vector<Lack> found;
  add_stages(state, spec, found);
  add_sources(state, spec, found);
  return found;
}

std::string plugin_refusal(const State& state, const stream::JobSpec& spec) {
  for (const auto& stage : spec.stages) {
    const auto plugin = stage.artifacts.find(stream::kPluginArtifact);
    const auto wanted = stage.group.labels.find(kPluginLabel);
    if (plugin == stage.artifacts.end() || wanted == stage.group.labels.end()) continue;
    std::set<std::string> nodes;
    bool allowed = false;
    for (const auto& [id, process] : state.soft.processes) {
      if (!process.heard || process.last.kind != ProcessKind::worker) continue;
      nodes.insert(process.last.node.value);
      const auto label = process.last.labels.find(kPluginLabel);
      allowed = allowed || (label != process.last.labels.end() && label_allows(label->second, wanted->second));
    }
    if (nodes.empty() || allowed) continue;
    return fmt::format(
        "no node lets its workers load the plug-in '{}' (SHA-256 {}) of the stage '{}': the nodes are {}. Who runs "
        "them "
        "allows it with ride-agent --allow-plugin {}",
        plugin->second.name, plugin->second.sha256, stage.name, fmt::join(nodes, ", "), wanted->second);
  }
  return {};
}

std::vector<Lack> lacks_of_sizes(const State& state, const Job& job, const StageName& only) {
  std::vector<Lack> found;
  for (const auto& spec : job.spec->stages) {
    if (!only.value.empty() && spec.name != only.value) continue;
    const auto& stage = *job.stages.at(StageName{spec.name});
    const auto idle = std::count_if(state.soft.processes.begin(), state.soft.processes.end(), [&](const auto& entry) {
      const auto& process = entry.second;
      return process.heard && process.last.kind == ProcessKind::worker && state.hard.member(entry.first) == nullptr &&
             fits(process.last, spec.group);
    });
    const auto has = static_cast<std::int64_t>(stage.actives.size() + stage.spares.size());
    const std::int64_t wanted = wanted_workers(spec, stage);
    if (wanted <= has + idle) continue;
    found.push_back({.source = false,
                     .name = spec.name,
                     .text = fmt::format("'{}' has {} of {} workers{}, and {} more {} free; {}: it takes what comes",
                                         spec.name, stage.actives.size(), wanted, needs(spec.group), idle,
                                         idle == 1 ? "is" : "are", pool_words(state, spec.group))});
  }
  return found;
}

nlohmann::json lacks_view(const std::vector<Lack>& lacks) {
  auto list = nlohmann::json::array();
  for (const auto& lack : lacks) list.push_back({{lack.source ? "source" : "stage", lack.name}, {"text", lack.text}});
  return list;
}

}  // namespace ride::master
