// What the broker's test programs share: options of a quick broker, files and waiting with a deadline.
#pragma once

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <thread>

#include "broker-config/broker_process.h"

namespace ride::test {

inline broker::LaunchOptions quick(const std::filesystem::path& data) {
  broker::LaunchOptions options;
  options.data = data;
  options.quick_start = true;
  options.die_with_parent = true;
  return options;
}

inline std::string read_file(const std::filesystem::path& file) {
  std::ifstream in(file);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

inline bool within(std::chrono::milliseconds limit, const std::function<bool()>& condition) {
  for (const auto deadline = std::chrono::steady_clock::now() + limit; std::chrono::steady_clock::now() < deadline;) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return condition();
}

// A dead process that nobody has waited for (in a container, the first process may never do it) does not run.
inline bool process_runs(int pid) {
  const std::string status = read_file("/proc/" + std::to_string(pid) + "/stat");
  const auto name_end = status.rfind(')');
  return name_end != status.npos && name_end + 2 < status.size() && status[name_end + 2] != 'Z';
}

// A variable of the environment, until the end of the scope.
class WithEnvironment {
 public:
  WithEnvironment(const char* name, const std::optional<std::string>& value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    set(value);
  }
  ~WithEnvironment() { set(before_); }
  WithEnvironment(const WithEnvironment&) = delete;
  WithEnvironment& operator=(const WithEnvironment&) = delete;

 private:
  void set(const std::optional<std::string>& value) {
    if (value) {
      setenv(name_, value->c_str(), 1);
    } else {
      unsetenv(name_);
    }
  }
  const char* name_;
  std::optional<std::string> before_;
};

}  // namespace ride::test
