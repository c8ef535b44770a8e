#include "agent/options.h"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

namespace ride::agent {
namespace fs = std::filesystem;

fs::path own_folder() {
  std::error_code failed;
  const fs::path program = fs::read_symlink("/proc/self/exe", failed);
  return failed ? fs::current_path(failed) : program.parent_path();
}

Result<std::vector<ChildPlan>> plan_children(const Options& options) {
  const fs::path folder = options.bin_folder.empty() ? own_folder() : options.bin_folder;
  std::vector<ChildPlan> children;
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
    child.arguments.insert(child.arguments.end(), options.kafka_arguments.begin(), options.kafka_arguments.end());
    children.push_back(std::move(child));
    return {};
  };
  for (int i = 1; i <= options.slots; ++i) {
    const auto added = add(ChildKind::worker, "ride-worker", fmt::format("{}-w{}", options.node.value, i));
    if (!added.ok()) return added.error();
  }
  for (int i = 1; i <= options.producers; ++i) {
    const auto added = add(ChildKind::producer, "ride-producer", fmt::format("{}-p{}", options.node.value, i));
    if (!added.ok()) return added.error();
  }
  return children;
}

}  // namespace ride::agent
