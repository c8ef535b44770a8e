#include "cli/local/run_folder.h"

#include <spdlog/fmt/fmt.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <utility>

#include "cli/core/fields.h"
#include "common/file_text.h"
#include "process/whole_file.h"

namespace ride::cli {
namespace fs = std::filesystem;
namespace {

constexpr std::array kOwnEntries = {"broker", "logs", "done", "reload", "run.json", "lock"};

Error refused(const fs::path& path, const std::string& why) {
  return {ErrorCode::permission,
          fmt::format("cannot use the state folder {}: {}. Name another with --state DIR", path.string(), why)};
}

Error in_use(const fs::path& path) {
  const auto info = parse_run_info(file_text(path / "run.json"));
  const std::string who = info && info->pid > 0 ? fmt::format(" (process {}, job '{}')", info->pid, info->job) : "";
  return {
      ErrorCode::already_exists,
      fmt::format(
          "another 'ride up' uses the state folder {}{}. End it with Ctrl-C, or name another folder with --state DIR",
          path.string(), who)};
}

}  // namespace

std::string to_json(const RunInfo& info) {
  const nlohmann::ordered_json json = {{"pid", info.pid},
                                       {"started_at", info.started_at},
                                       {"topology", info.topology},
                                       {"job", info.job},
                                       {"master", info.master},
                                       {"brokers", info.brokers},
                                       {"token_file", info.token_file},
                                       {"outputs", info.outputs},
                                       {"permits", info.permits},
                                       {"paused_job", info.paused_job},
                                       {"prefix", info.prefix}};
  return json.dump(2) + "\n";
}

std::optional<RunInfo> parse_run_info(const std::string& text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  std::vector<std::string> outputs, permits;
  for (const Json& folder : list_of(json, "outputs"))
    if (folder.is_string()) outputs.push_back(folder.get<std::string>());
  for (const Json& permit : list_of(json, "permits"))
    if (permit.is_string()) permits.push_back(permit.get<std::string>());
  return RunInfo{.pid = count_of(json, "pid"),
                 .started_at = text_of(json, "started_at"),
                 .topology = text_of(json, "topology"),
                 .job = text_of(json, "job"),
                 .master = text_of(json, "master"),
                 .brokers = text_of(json, "brokers"),
                 .token_file = text_of(json, "token_file"),
                 .outputs = std::move(outputs),
                 .permits = std::move(permits),
                 .paused_job = text_of(json, "paused_job"),
                 .prefix = text_of(json, "prefix")};
}

Result<RunFolder> RunFolder::open(const fs::path& given) {
  std::error_code failed;
  const fs::path path = fs::absolute(given, failed);
  fs::create_directories(path, failed);
  if (failed) return refused(path, failed.message());
  process::FileLock lock(path / "lock", failed);
  if (failed) return refused(path, failed.message());
  if (const auto why = lock.try_lock())
    return why == std::errc::operation_would_block ? in_use(path) : refused(path, why.message());
  RunFolder folder(path, std::move(lock));
  fs::create_directories(folder.logs(), failed);
  if (failed) return refused(folder.logs(), failed.message());
  return folder;
}

Result<void> RunFolder::wipe() {
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(path_, failed)) {
    const std::string name = entry.path().filename().string();
    if (std::find(kOwnEntries.begin(), kOwnEntries.end(), name) != kOwnEntries.end()) continue;
    return Error{
        ErrorCode::permission,
        fmt::format(
            "{} holds '{}', which RIDE did not make: the folder is not wiped. Name another one with --state DIR",
            path_.string(), name)};
  }
  for (const char* entry : {"broker", "logs", "done", "reload", "run.json"}) {
    fs::remove_all(path_ / entry, failed);
    if (failed)
      return Error{ErrorCode::permission,
                   fmt::format("cannot wipe {}: {}", (path_ / entry).string(), failed.message())};
  }
  fs::create_directories(logs(), failed);
  return {};
}

void RunFolder::remove() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::optional<RunInfo> RunFolder::last() const { return parse_run_info(file_text(path_ / "run.json")); }

Result<void> RunFolder::save(const RunInfo& info) {
  return process::write_whole_file(path_ / "run.json", to_json(info));
}

std::string absolute_token_file(const Settings& settings) {
  std::error_code failed;
  const auto& file = settings.text("token-file");
  return file.empty() ? file : fs::absolute(file, failed).string();
}

std::optional<RunInfo> running_in(const fs::path& state_folder) {
  auto info = parse_run_info(file_text(state_folder / "run.json"));
  const bool alive = info && info->pid > 0 && (kill(static_cast<pid_t>(info->pid), 0) == 0 || errno == EPERM);
  return alive ? info : std::nullopt;
}

}  // namespace ride::cli
