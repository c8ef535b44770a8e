#include "cli/local/viewer.h"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/wait.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "process/descriptor.h"
#include "process/spawn.h"

namespace ride::cli {
namespace {

constexpr std::chrono::seconds kPatience{2};  // with what ends at once, since it cannot show anything
constexpr std::chrono::milliseconds kViewerLook{20};
constexpr int kNotFound = 127;  // of env

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

}  // namespace

Result<void> check_screen() {
  if (is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")) return {};
  return Error{ErrorCode::unsupported,
               "--show: there is no screen here (neither DISPLAY nor WAYLAND_DISPLAY is set). --save FILE writes the "
               "picture that comes out"};
}

Result<void> open_in_viewer(const std::filesystem::path& file) {
  const process::Descriptor nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  RIDE_ASSIGN(const auto pid, process::spawn({.arguments = {"/usr/bin/env", "xdg-open", file.string()},
                                              .environment = process::environment_with({}),
                                              .output = nowhere.get()}));
  int status = 0;
  for (const auto until = std::chrono::steady_clock::now() + kPatience; std::chrono::steady_clock::now() < until;
       std::this_thread::sleep_for(kViewerLook)) {
    if (::waitpid(pid, &status, WNOHANG) != pid) continue;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    const bool missing = WIFEXITED(status) && WEXITSTATUS(status) == kNotFound;
    return Error{ErrorCode::unsupported,
                 fmt::format("--show: {}. The picture is {}",
                             missing ? "xdg-open is not installed (Debian: apt-get install xdg-utils)"
                                     : "xdg-open cannot open it: no program for pictures is set up",
                             file.string())};
  }
  return {};  // some stay as long as the window
}

}  // namespace ride::cli
