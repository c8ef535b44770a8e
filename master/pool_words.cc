#include "master/pool_words.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <set>
#include <vector>

#include "common/plugin_permit.h"
#include "common/units.h"
#include "common/wording.h"
#include "master/core/offers.h"

namespace ride::master {

namespace {

using Offers = std::vector<const stream::Heartbeat*>;

Offers offers_of(const State& state) {
  Offers offers;
  for (const auto& [id, process] : state.soft.processes)
    if (process.heard && process.last.kind == ProcessKind::worker) offers.push_back(&process.last);
  return offers;
}

std::string label_words(const Offers& offers, const std::string& name) {
  std::set<std::string> values;
  for (const auto* offer : offers)
    if (const auto found = offer->labels.find(name); found != offer->labels.end()) values.insert(found->second);
  if (values.empty()) return fmt::format("none is labelled {}", name);
  std::string text;
  for (const auto& value : values) text += fmt::format("{}{}={}", text.empty() ? "there is " : ", ", name, value);
  return text;
}

std::string plugin_words(const Offers& offers, const std::string& wanted) {
  const auto allowing = std::count_if(offers.begin(), offers.end(), [&](const auto* offer) {
    const auto label = offer->labels.find(kPluginLabel);
    return label != offer->labels.end() && label_allows(label->second, wanted);
  });
  return allowing == 0 ? "none is on a node that allows the plug-in"
                       : fmt::format("{} on nodes that allow the plug-in", allowing);
}

// Of each thing that the group asks for, the best that there is.
std::string what_is_there(const Offers& offers, const stream::GroupSpec& group) {
  std::vector<std::string> words;
  if (group.device == "gpu") {
    const auto gpus = std::count_if(offers.begin(), offers.end(), [](const auto* offer) { return has_gpu(*offer); });
    words.push_back(gpus == 0 ? "none has a GPU" : fmt::format("{} with a GPU", gpus));
  }
  double cores = 0;
  std::int64_t memory = 0;
  for (const auto* offer : offers) {
    cores = std::max(cores, offer->cores);
    memory = std::max(memory, offer->memory_bytes);
  }
  if (group.cores > 0 && cores > 0) words.push_back(fmt::format("the largest has {:g} cores", cores));
  if (group.memory_bytes > 0 && memory > 0) words.push_back("the largest has " + format_byte_size({memory}));
  for (const auto& [name, value] : group.labels)
    words.push_back(name == kPluginLabel ? plugin_words(offers, value) : label_words(offers, name));
  std::string text;
  for (const auto& word : words) text += (text.empty() ? ": " : ", ") + word;
  return text;
}

// Who is to work on the stage and does not say yet that it has the files that the job brings.
std::string fetching_words(const State& state, const Job& job, const stream::StageSpec& spec) {
  const auto stage = job.stages.find(StageName{spec.name});
  if (spec.artifacts.empty() || stage == job.stages.end()) return {};
  const auto group = job.spec->job.value + "/" + spec.name;
  std::string names;
  for (const auto& worker : (*stage->second).actives) {
    const auto found = state.soft.processes.find(worker);
    const bool warm = found != state.soft.processes.end() && found->second.last.warm;
    if (!warm || found->second.last.group != group) names += (names.empty() ? "" : ", ") + worker.value;
  }
  if (names.empty()) return {};
  return fmt::format("{} waits for the files that the job brings, which are being fetched by {}", spec.name, names);
}

}  // namespace

std::string pool_words(const State& state, const stream::GroupSpec& group) {
  const auto offers = offers_of(state);
  if (offers.empty()) return "the pool has no worker: start ride-agent or ride-worker on a node";
  const auto fitting = std::count_if(offers.begin(), offers.end(), [&](const auto* one) { return fits(*one, group); });
  auto head = "the pool has " + counted(offers.size(), "worker");
  const bool one = offers.size() == 1;
  if (fitting == 0)
    return head + (one ? ", which does not fit" : ", none of which fits") + what_is_there(offers, group);
  if (demands(group) == 0) return head;
  if (one) return head + ", which fits";
  return fmt::format("{}, {} of them fit{}", head, fitting, fitting == 1 ? "s" : "");
}

std::string waiting_words(const State& state, const Job& job, const stream::StageSpec& spec) {
  const auto found = state.soft.stages.find({job.spec->job, job.spec->run, StageName{spec.name}});
  auto fetching = is_over(job.phase) ? std::string() : fetching_words(state, job, spec);
  if (found == state.soft.stages.end() || found->second.waiting.empty() || is_over(job.phase)) return fetching;
  return found->second.waiting + "; " + pool_words(state, spec.group) + (fetching.empty() ? "" : "; ") + fetching;
}

}  // namespace ride::master
