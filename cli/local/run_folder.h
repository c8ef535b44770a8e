// The state folder of `ride up` (.ride): its lock, what runs in it, and where its files are. What an earlier run left
// is continued. Owner: the object holds the lock until it is destroyed. Threads: one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/core/settings.h"
#include "common/result.h"
#include "process/file_lock.h"

namespace ride::cli {

// What other `ride` commands and the next `ride up` need to know (run.json).
struct RunInfo {
  std::int64_t pid = 0;    // of the `ride up`; it may be gone
  std::string started_at;  // RFC 3339
  std::string topology;    // the file, absolute
  std::string job;
  std::string master;  // URL of its API
  std::string brokers;
  std::string token_file;  // of the master, absolute; empty: it asks for no token
  std::vector<std::string>
      outputs;  // folders of its sinks: what it has taken in is written there, also by the next one
  std::vector<std::string> permits;  // plug-ins that its workers might load: a run that goes on has them
  std::string paused_job;            // that this `ride up` paused when it ended: the next one resumes it
  std::string prefix;                // of its topics; empty: of an older version
};

std::string to_json(const RunInfo& info);
std::optional<RunInfo> parse_run_info(const std::string& json);

class RunFolder {
 public:
  // Makes the folder if need be and locks it. already_exists: another `ride up` uses it; permission: cannot be written.
  static Result<RunFolder> open(const std::filesystem::path& path);
  RunFolder(RunFolder&&) noexcept = default;
  RunFolder& operator=(RunFolder&&) = delete;

  // Removes what earlier runs left, and only that: a folder that holds anything else is refused.
  Result<void> wipe();
  // Removes it all with the folder itself (temporary ones).
  void remove();

  std::filesystem::path path() const { return path_; }
  std::filesystem::path broker_data() const { return path_ / "broker"; }
  std::filesystem::path logs() const { return path_ / "logs"; }
  std::optional<RunInfo> last() const;  // of an earlier run
  Result<void> save(const RunInfo& info);

 private:
  RunFolder(std::filesystem::path path, process::FileLock lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  std::filesystem::path path_;
  process::FileLock lock_;
};

// As run.json holds it.
std::string absolute_token_file(const Settings& settings);

// Of the `ride up` that runs in this folder now; nothing when none does.
std::optional<RunInfo> running_in(const std::filesystem::path& state_folder);

}  // namespace ride::cli
