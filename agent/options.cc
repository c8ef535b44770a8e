#include "agent/options.h"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include "process/machine.h"
#include "process/proc.h"

namespace ride::agent {
namespace fs = std::filesystem;
namespace {

// One worker that grows without end must not take the node with it.
std::int64_t memory_of_a_worker(const Options& options) {
  return options.worker_memory > 0 ? options.worker_memory : process::read_node_facts().memory_bytes / 5 * 4;
}

void give_resources(ChildPlan& worker, const Options& options, const std::vector<int>& cores, int index) {
  worker.cores = cores_of(cores, options.worker_cores, index);
  worker.memory_limit = memory_of_a_worker(options);
  if (options.gpus.empty()) return;
  worker.environment.push_back("CUDA_VISIBLE_DEVICES=" +
                               options.gpus[static_cast<std::size_t>(index) % options.gpus.size()]);
}

}  // namespace

std::vector<int> cores_of(const std::vector<int>& all, int count, int index) {
  std::vector<int> cores;
  if (count <= 0 || count >= static_cast<int>(all.size())) return cores;
  for (int i = 0; i < count; ++i) cores.push_back(all[static_cast<std::size_t>(index * count + i) % all.size()]);
  return cores;
}

Result<std::vector<ChildPlan>> plan_children(const Options& options) {
  const fs::path folder = options.bin_folder.empty() ? process::own_folder() : options.bin_folder;
  std::vector<ChildPlan> children;
  const auto cores = process::usable_core_numbers();
  const auto add = [&](ChildKind kind, const char* program, const std::string& name) -> Result<void> {
    const fs::path path = folder / program;
    if (access(path.c_str(), X_OK) != 0) {
      return Error{ErrorCode::not_found,
                   fmt::format("{} is not there or cannot be run: the agent starts it from its own folder. Install all "
                               "of RIDE's programs into one folder, or name theirs with --bin-dir",
                               path.string())};
    }
    ChildPlan child{.name = name, .kind = kind, .arguments = {}};
    child.arguments = {path.string(), "--name", name, "--node", options.node.value};
    if (!options.metrics_host.empty())
      child.arguments.insert(child.arguments.end(), {"--metrics", options.metrics_host + ":0"});
    const auto& kafka = kind == ChildKind::worker ? options.worker_kafka_arguments : options.producer_kafka_arguments;
    child.arguments.insert(child.arguments.end(), kafka.begin(), kafka.end());
    children.push_back(std::move(child));
    return {};
  };
  for (int i = 1; i <= options.slots; ++i) {
    RIDE_TRY(add(ChildKind::worker, "ride-worker", fmt::format("{}-w{}", options.node.value, i)));
    for (const auto& folder : options.output_folders)
      children.back().arguments.insert(children.back().arguments.end(), {"--output", folder});
    if (!options.artifacts_folder.empty())
      children.back().arguments.insert(children.back().arguments.end(), {"--artifacts", options.artifacts_folder});
    for (const auto& plugin : options.plugins)
      children.back().arguments.insert(children.back().arguments.end(), {"--plugin", plugin});
    for (const auto& permit : options.permits)
      children.back().arguments.insert(children.back().arguments.end(), {"--allow-plugin", permit});
    for (const auto& label : options.labels)
      children.back().arguments.insert(children.back().arguments.end(), {"--label", label});
    give_resources(children.back(), options, cores, i - 1);
  }
  for (int i = 1; i <= options.producers; ++i) {
    RIDE_TRY(add(ChildKind::producer, "ride-producer", fmt::format("{}-p{}", options.node.value, i)));
  }
  return children;
}

}  // namespace ride::agent
