// Whether the files of sinks lie where some node lets them.
#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/output_folders.h"
#include "common/task_files.h"
#include "topology/draft.h"
#include "topology/output_check.h"

namespace ride::topology {
namespace {

std::string words_of(const std::vector<NodeOutputs>& nodes) {
  constexpr std::size_t kShown = 4;
  std::string words;
  for (std::size_t i = 0; i < std::min(kShown, nodes.size()); ++i)
    words += fmt::format("{}{}: {}", i == 0 ? "" : "; ", nodes[i].node, list_folders(nodes[i].folders));
  return nodes.size() > kShown ? fmt::format("{}; and {} more", words, nodes.size() - kShown) : words;
}

}  // namespace

void check_outputs(Context& context, const std::vector<StageDraft>& stages, const std::vector<NodeOutputs>& nodes) {
  if (nodes.empty()) return;
  for (const auto& draft : stages) {
    const auto path = files_template(draft.task, draft.stage.params);
    const auto takes = [&](const NodeOutputs& node) { return place_in(path, node.folders).has_value(); };
    if (path.empty() || std::any_of(nodes.begin(), nodes.end(), takes)) continue;
    context.error(draft.name_place,
                  fmt::format("{} writes to '{}', which is in none of the folders that nodes let sinks write to ({})",
                              draft.label, path, words_of(nodes)),
                  "write below one of these, or start ride-agent with --output and the folder on the node that has it");
  }
}

std::vector<std::string> sink_folders(const Topology& topology, const TaskCatalog& catalog) {
  std::vector<std::string> folders;
  for (const auto& stage : topology.stages())
    if (const auto path = files_template(catalog.find(stage.task), stage.params); !path.empty())
      folders.push_back(fixed_folder_of(path));
  return folders;
}

}  // namespace ride::topology
