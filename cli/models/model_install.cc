#include "cli/models/model_install.h"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "cli/models/tfjs_graph.h"
#include "common/file_text.h"
#include "common/sha256.h"
#include "process/child_process.h"
#include "process/file_lock.h"
#include "process/program.h"
#include "process/temp_folder.h"
#include "process/whole_file.h"

namespace ride::models {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using tasks::Installed;
using tasks::KnownModel;
using tasks::PinnedFile;

constexpr auto kPatience = 30min;  // with a slow network; Ctrl-C ends it before
constexpr auto kLook = 100ms;
constexpr int kMostBlocks = 131072;  // of 512 bytes, of a file of the package: 64 MB

struct TempFolder {
  fs::path path;
  ~TempFolder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

std::string package_of(const KnownModel& model) { return model.package + "@" + model.version; }

Result<std::string> find_npm() {
  const char* path = std::getenv("PATH");
  std::string rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const auto end = std::min(rest.find(':'), rest.size());
    const auto program = fs::path(rest.substr(0, end)) / "npm";
    rest.erase(0, end + 1);
    std::error_code ignored;
    if (fs::is_regular_file(program, ignored) && ::access(program.c_str(), X_OK) == 0)
      return fs::absolute(program).string();
  }
  return Error{
      ErrorCode::not_found,
      "npm, which fetches the model's package, is missing on the PATH. As root: apt-get install npm. Or install "
      "the model on another machine, and copy the folder of models (RIDE_MODELS)"};
}

// Runs to its end; its output is in the file. False: it failed.
Result<bool> run_to_end(const process::ProcessPlan& plan, std::stop_token stop) {
  RIDE_ASSIGN(const auto child, process::ChildProcess::start(plan));
  for (const auto until = std::chrono::steady_clock::now() + kPatience; !child->wait_until_ended(kLook);) {
    const bool late = std::chrono::steady_clock::now() > until;
    if (!late && !stop.stop_requested()) continue;
    child->signal_group(SIGKILL);
    child->wait_until_ended(10s);
    if (late) return Error{ErrorCode::timeout, fmt::format("{} did not end within 30 minutes", plan.arguments.front())};
    return Error{ErrorCode::cancelled, "stopped; nothing was installed"};
  }
  return child->exit_code() == 0;
}

// npm names the file; it is the only one of its kind in the folder.
Result<fs::path> fetch_package(const KnownModel& model, const fs::path& work, std::stop_token stop) {
  RIDE_ASSIGN(const auto npm, find_npm());
  const auto log = work / "npm.log", place = work / "package";
  std::error_code failure;
  fs::create_directory(place, failure);
  const process::ProcessPlan plan{.arguments = {npm, "pack", package_of(model)},
                                  // As flags would do: no code of the package is run, and only errors are said.
                                  .environment = {"npm_config_ignore_scripts=true", "npm_config_loglevel=error",
                                                  "npm_config_update_notifier=false"},
                                  .working_folder = place,
                                  .output = log,
                                  .signal_on_parent_death = SIGKILL};
  RIDE_ASSIGN(const bool good, run_to_end(plan, stop));
  for (const auto& entry : fs::directory_iterator(place, failure))
    if (good && entry.path().extension() == ".tgz") return entry.path();
  return Error{
      ErrorCode::unavailable,
      fmt::format("npm could not get {}:\n{}\nCheck the network, and the registry that 'npm config get registry' "
                  "names",
                  package_of(model), process::log_tail(log, 0, 8))};
}

// To standard output, so that no path in the package leads anywhere; and no more than a file of it may be long.
Result<std::string> unpack(const fs::path& package, const PinnedFile& file, const fs::path& work,
                           std::stop_token stop) {
  const auto out = work / "unpacked";
  std::error_code ignored;
  fs::remove(out, ignored);
  const std::string script = fmt::format("ulimit -f {} && exec tar -xzOf \"$1\" \"$2\" 2>tar.log", kMostBlocks);
  RIDE_ASSIGN(const bool good,
              run_to_end({.arguments = {"/bin/sh", "-c", script, "sh", package.string(), "package/" + file.name},
                          .working_folder = work,
                          .output = out,
                          .signal_on_parent_death = SIGKILL},
                         stop));
  if (!good)
    return Error{ErrorCode::corrupt, fmt::format("the package has no file {}, or is damaged, or cannot be unpacked: {}",
                                                 file.name, process::log_tail(work / "tar.log", 0, 4))};
  return file_text(out);
}

Result<void> check(const PinnedFile& file, const std::string& bytes, const std::string& whose) {
  const auto sum = sha256_hex(bytes);
  if (sum == file.sha256) return {};
  return Error{ErrorCode::corrupt,
               fmt::format("{} {} is not the file that RIDE was tested with: its SHA-256 is {}, not {}. Nothing was "
                           "installed",
                           file.name, whose, sum, file.sha256)};
}

Result<std::string> pinned_part(const KnownModel& model, const fs::path& package, const PinnedFile& file,
                                const fs::path& work, std::stop_token stop) {
  RIDE_ASSIGN(auto bytes, unpack(package, file, work, stop));
  RIDE_TRY(check(file, bytes, "of npm's " + package_of(model)));
  return bytes;
}

Result<std::string> fetch_graph(const KnownModel& model, std::stop_token stop) {
  RIDE_ASSIGN(auto path, process::make_temp_folder("ride-model"));
  const TempFolder work{std::move(path)};
  RIDE_ASSIGN(const auto package, fetch_package(model, work.path, stop));
  RIDE_ASSIGN(const auto topology, pinned_part(model, package, model.topology, work.path, stop));
  RIDE_ASSIGN(const auto weights, pinned_part(model, package, model.weights, work.path, stop));
  RIDE_ASSIGN(auto graph, frozen_graph(topology, weights, model.outputs));
  RIDE_TRY(check(model.installed, graph, "as it was converted"));
  return graph;
}

// Whoever else installs into the folder is waited for; Ctrl-C ends it.
Result<void> wait_for(process::FileLock& lock, const std::stop_token& stop) {
  while (const auto held = lock.try_lock()) {
    if (held != std::errc::operation_would_block)
      return Error{ErrorCode::unsupported, fmt::format("the folder of models cannot be locked: {}", held.message())};
    if (stop.stop_requested()) return Error{ErrorCode::cancelled, "stopped; nothing was installed"};
    std::this_thread::sleep_for(kLook);
  }
  return {};
}

}  // namespace

Result<InstalledModel> install(const KnownModel& model, const fs::path& folder, std::stop_token stop) {
  const auto file = folder / model.installed.name;
  if (look_for(model, folder) == Installed::yes) return InstalledModel{file, false};
  std::error_code failure;
  fs::create_directories(folder, failure);
  process::FileLock lock(folder / ".lock", failure);
  if (!lock.ok()) {
    return Error{ErrorCode::permission, fmt::format("cannot write into {}: {}. RIDE_MODELS names another folder",
                                                    folder.string(), failure.message())};
  }
  RIDE_TRY(wait_for(lock, stop));
  if (look_for(model, folder) == Installed::yes) return InstalledModel{file, false};
  RIDE_ASSIGN(const auto graph, fetch_graph(model, stop));
  RIDE_TRY(process::write_whole_file(file, graph));
  return InstalledModel{file, true};
}

}  // namespace ride::models
