#include "broker-config/java.h"

#include <spdlog/fmt/fmt.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

#include "common/file_text.h"
#include "process/child_process.h"
#include "process/descriptor.h"

namespace ride::broker {
namespace {
namespace fs = std::filesystem;

constexpr std::chrono::seconds kPatience{10};
constexpr std::chrono::milliseconds kLook{50};
constexpr const char* kFix =
    "install it (Debian: scripts/install-deps, or the package openjdk-17-jre-headless), or set JAVA_HOME";

// 17.0.15 -> 17; 1.8.0_292 -> 8.
int major_of(const std::string& version) {
  const int first = std::atoi(version.c_str());
  return first == 1 && version.size() > 2 ? std::atoi(version.c_str() + 2) : first;
}

std::string between_quotes(const std::string& text) {
  const auto open = text.find('"');
  const auto close = open == text.npos ? open : text.find('"', open + 1);
  return close == text.npos ? std::string() : text.substr(open + 1, close - open - 1);
}

// JDKs carry a file `release` with JAVA_VERSION="17.0.15": reading it saves starting a virtual machine.
std::string version_from_release_file(const fs::path& program) {
  std::ifstream file(program.parent_path().parent_path() / "release");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("JAVA_VERSION=")) return between_quotes(line);
  }
  return {};
}

// What it says of its version; empty: it says none. Error: it does not answer, or `stop`.
Result<std::string> version_from_program(const fs::path& program, const std::stop_token& stop) {
  const process::Descriptor answer(memfd_create("java-version", MFD_CLOEXEC));
  if (!answer.ok()) return Error{ErrorCode::resource_exhausted, "no memory for Java's answer"};
  const std::string output = fmt::format("/proc/{}/fd/{}", getpid(), answer.get());
  auto process = process::ChildProcess::start({.arguments = {program.string(), "-version"},
                                               .environment = {},
                                               .working_folder = "/",
                                               .output = output,
                                               .signal_on_parent_death = SIGKILL});
  if (!process.ok()) return std::string();
  for (const auto until = std::chrono::steady_clock::now() + kPatience; !(*process)->wait_until_ended(kLook);) {
    if (stop.stop_requested()) return Error{ErrorCode::cancelled, "stopped while Java was asked for its version"};
    if (std::chrono::steady_clock::now() > until)
      return Error{ErrorCode::timeout, fmt::format("gives no answer to -version within {} s", kPatience.count())};
  }
  const std::string text = file_text(output);
  return text.find("version") == text.npos ? std::string() : between_quotes(text);
}

std::vector<fs::path> candidates() {
  std::vector<fs::path> found;
  if (const char* home = std::getenv("JAVA_HOME"); home && *home) found.push_back(fs::path(home) / "bin" / "java");
  std::istringstream path(std::getenv("PATH") ? std::getenv("PATH") : "");
  for (std::string folder; std::getline(path, folder, ':');) {
    if (!folder.empty()) found.push_back(fs::path(folder) / "java");
  }
  return found;
}

}  // namespace

Result<Java> find_java(std::stop_token stop) {
  std::string too_old;
  for (const fs::path& candidate : candidates()) {
    std::error_code failed;
    const fs::path program = fs::canonical(candidate, failed);
    if (failed || access(program.c_str(), X_OK) != 0 || fs::is_directory(program, failed)) continue;
    std::string version = version_from_release_file(program);
    std::string why;
    if (version.empty()) {
      auto answer = version_from_program(program, stop);
      if (!answer.ok() && answer.error().code == ErrorCode::cancelled) return answer.error();
      if (answer.ok()) version = *answer;
      why = answer.ok() ? "is not a working Java" : answer.error().message;
    }
    const int major = major_of(version);
    if (major >= kOldestJava) return Java{program, version, major};
    too_old += fmt::format("{}{} {}", too_old.empty() ? "" : ", ", program.string(),
                           version.empty() ? why : "is version " + version);
  }
  if (!too_old.empty()) {
    return Error{ErrorCode::unsupported,
                 fmt::format("Kafka needs Java {} or newer, but {}: {}", kOldestJava, too_old, kFix)};
  }
  const char* home = std::getenv("JAVA_HOME");
  const std::string where =
      home && *home ? fmt::format("JAVA_HOME ({}) and PATH hold", home) : "JAVA_HOME is not set and PATH holds";
  return Error{ErrorCode::not_found,
               fmt::format("Kafka needs Java {} or newer, and {} none: {}", kOldestJava, where, kFix)};
}

}  // namespace ride::broker
