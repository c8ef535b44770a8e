#include "cli/local/topology_facts.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <thread>

#include "common/environment.h"

namespace ride::cli {

namespace {

constexpr int kSlotsPerCore = 4;

}  // namespace

Need need_of(const topology::Topology& topology, int slots) {
  Need need{0, topology.sources().empty() ? 0 : 1};
  int least = 0, most = 0;
  for (const auto& stage : topology.stages()) {
    least += stage.group.min + stage.group.spares;
    most += stage.group.max + stage.group.spares;
  }
  // Space to grow, but a topology made for a cluster shall not flood this machine with idle processes.
  const int capacity = kSlotsPerCore * static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  need.slots = std::max(least, std::min(most, capacity));
  if (slots > 0) need.slots = slots;
  return need;
}

Result<void> check_slots(const topology::Topology& topology, int slots, const std::string& place) {
  const auto& stages = topology.stages();
  if (slots <= 0 || static_cast<std::size_t>(slots) >= stages.size()) return {};
  constexpr std::size_t kShown = 8;
  std::string names;
  for (std::size_t i = 0; i < std::min(kShown, stages.size()); ++i) names += (i == 0 ? "" : ", ") + stages[i].name;
  if (stages.size() > kShown) names += ", ...";
  return Error{
      ErrorCode::invalid_argument,
      fmt::format("job '{0}' needs {1} workers (one for each stage: {2}), and {3} gives it {4} slot{5}: the rest would "
                  "wait for ever. Give --slots {1}, or leave it out: then there are as many as the topology needs",
                  topology.name(), stages.size(), names, place, slots, slots == 1 ? "" : "s")};
}

Result<void> check_variables(const topology::Topology& topology) {
  for (const auto& source : topology.sources()) {
    const auto filled = expand_secrets(source.uri, process_environment());
    if (!filled.ok()) {
      return Error{ErrorCode::invalid_argument, fmt::format("source '{}' ({}): {}; set it before you start",
                                                            source.name, source.uri, filled.error().message)};
    }
  }
  return {};
}

Result<void> check_finite(const topology::Topology& topology, const std::string& file) {
  if (topology.finite()) return {};
  std::string endless;
  for (const auto& source : topology.sources())
    if (!source.finite) endless += fmt::format("{}'{}'", endless.empty() ? "" : ", ", source.name);
  std::vector<std::string> ends;
  for (const SourceDecl& kind : source_kinds())
    if (!kind.finite_text.empty()) ends.push_back(kind.finite_text);
  return Error{ErrorCode::invalid_argument,
               fmt::format("{0}: 'ride run' needs an input that ends, but {1} would go on for ever. Use 'ride up {0}' "
                           "(with --for 60s to end by itself), or a source that ends: {2}",
                           file, endless.empty() ? "a topic that is read in place" : "source " + endless,
                           fmt::join(ends, ", "))};
}

std::vector<std::string> may_drop(const topology::Topology& topology) {
  std::vector<std::string> names;
  for (const auto& source : topology.sources())
    if (source.drop_when_late || source.max_age.count() > 0) names.push_back(source.name);
  for (const auto& stage : topology.stages())
    if (stage.max_age.count() > 0) names.push_back(stage.name);
  return names;
}

std::map<std::string, std::vector<std::string>> upstreams_of(const topology::Topology& topology) {
  std::map<std::string, std::vector<std::string>> upstreams;
  for (const auto& stage : topology.stages())
    for (const auto& upstream : stage.from) upstreams[stage.name].push_back(upstream.name);
  return upstreams;
}

}  // namespace ride::cli
