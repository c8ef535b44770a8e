#include "process/cgroup.h"

#include <spdlog/fmt/fmt.h>

#include <fstream>
#include <utility>
#include <vector>

namespace ride::process {
namespace fs = std::filesystem;
namespace {

std::optional<fs::path> mount_of(const std::string& type, const std::string& controller) {
  std::ifstream mounts("/proc/self/mounts");
  for (std::string device, place, kind, options, rest;
       mounts >> device >> place >> kind >> options && std::getline(mounts, rest);) {
    if (kind != type) continue;
    if (controller.empty() || ("," + options + ",").find("," + controller + ",") != std::string::npos)
      return fs::path(place);
  }
  return std::nullopt;
}

}  // namespace

std::optional<fs::path> unified_hierarchy() { return mount_of("cgroup2", ""); }
std::optional<fs::path> hierarchy_of(const std::string& controller) { return mount_of("cgroup", controller); }

bool write_setting(const fs::path& file, const std::string& text) {
  std::ofstream out(file);
  out << text << std::flush;
  return out.good();
}

Result<ControlGroup> ControlGroup::make(const fs::path& hierarchy, const std::string& name) {
  const auto folder = hierarchy / name;
  std::error_code failed;
  fs::create_directory(folder, failed);
  if (failed)
    return Error{ErrorCode::permission, fmt::format("cannot make the group {}: {}", folder.string(), failed.message())};
  return ControlGroup(folder);
}

ControlGroup::ControlGroup(ControlGroup&& other) noexcept : folder_(std::exchange(other.folder_, {})) {}

ControlGroup::~ControlGroup() {
  if (folder_.empty()) return;
  // Whoever is still there, also what it has started since: a group with members cannot be removed.
  std::ifstream list(members());
  std::vector<std::string> pids;
  for (std::string pid; list >> pid;) pids.push_back(pid);
  for (const auto& pid : pids) write_setting(folder_.parent_path() / "cgroup.procs", pid);
  std::error_code ignored;
  fs::remove(folder_, ignored);
}

bool ControlGroup::set(const std::string& file, const std::string& text) { return write_setting(folder_ / file, text); }
bool ControlGroup::add(pid_t pid) { return write_setting(members(), std::to_string(pid)); }

}  // namespace ride::process
