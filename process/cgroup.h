// A control group of Linux, of the unified hierarchy (v2) or of one of version 1. Making one needs root. Owner: the
// object; its destructor moves whoever is still in it to the group above, and removes it. Threads: one at a time.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>

#include "common/result.h"

namespace ride::process {

// Where a hierarchy is mounted: the unified one, or version 1's of a controller ("cpu").
std::optional<std::filesystem::path> unified_hierarchy();
std::optional<std::filesystem::path> hierarchy_of(const std::string& controller);

class ControlGroup {
 public:
  // permission: with the system's reason.
  static Result<ControlGroup> make(const std::filesystem::path& hierarchy, const std::string& name);
  ControlGroup(ControlGroup&& other) noexcept;
  ControlGroup& operator=(ControlGroup&&) = delete;
  ~ControlGroup();

  bool set(const std::string& file, const std::string& text);  // "cpu.max"
  bool add(pid_t pid);
  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path members() const { return folder_ / "cgroup.procs"; }

 private:
  explicit ControlGroup(std::filesystem::path folder) : folder_(std::move(folder)) {}
  std::filesystem::path folder_;  // empty: moved away
};

// Writes a setting of a group that is not ours.
bool write_setting(const std::filesystem::path& file, const std::string& text);

}  // namespace ride::process
