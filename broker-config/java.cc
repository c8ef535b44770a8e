#include "broker-config/java.h"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <vector>

namespace ride::broker {
namespace {
namespace fs = std::filesystem;

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

std::string version_from_program(const fs::path& program) {
  std::string quoted;  // for the shell: ' ends the quotes, \' is one, ' opens them again
  for (const char c : program.string()) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  const std::string command = "'" + quoted + "' -version 2>&1";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "re"), pclose);
  char line[256] = "";
  std::string text;
  while (pipe && std::fgets(line, sizeof line, pipe.get())) text += line;
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

Result<Java> find_java() {
  std::string too_old;
  for (const fs::path& candidate : candidates()) {
    std::error_code failed;
    const fs::path program = fs::canonical(candidate, failed);
    if (failed || access(program.c_str(), X_OK) != 0 || fs::is_directory(program, failed)) continue;
    std::string version = version_from_release_file(program);
    if (version.empty()) version = version_from_program(program);
    const int major = major_of(version);
    if (major >= kOldestJava) return Java{program, version, major};
    too_old += fmt::format("{}{} is {}", too_old.empty() ? "" : ", ", program.string(),
                           version.empty() ? "not a working Java" : "version " + version);
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
