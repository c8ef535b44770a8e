#include "agent/child_launch.h"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>

#include <csignal>

#include "process/descriptor.h"
#include "process/spawn.h"
#include "process/variables.h"

namespace ride::agent {
namespace {

// Ours, less what a child of ours must not take for its own, and what it is given.
std::vector<std::string> environment_of(const LaunchOptions& options) {
  auto given = options.environment;
  if (!options.incarnation.empty())
    given.push_back(fmt::format("{}={}", process::kIncarnationVariable, options.incarnation));
  if (options.crash_note >= 0) given.push_back(fmt::format("{}={}", kCrashNoteVariable, process::kInherited));
  return process::environment_with(given, {process::kOfOneProcess.begin(), process::kOfOneProcess.end()});
}

}  // namespace

Result<Launched> launch(const std::vector<std::string>& arguments, bool capture_output, const LaunchOptions& options) {
  process::Pipe output;
  if (capture_output) {
    RIDE_ASSIGN(auto made, process::make_pipe());
    output = std::move(made);
  }
  const auto pid = process::spawn({.arguments = arguments,
                                   .environment = environment_of(options),
                                   .working_folder = {},
                                   .output = output.write_end.get(),
                                   .inherited = options.crash_note,
                                   .signal_on_parent_death = SIGKILL,
                                   .cores = options.cores});
  if (!pid.ok()) return pid.error();
  if (output.read_end.ok()) fcntl(output.read_end.get(), F_SETFL, O_NONBLOCK);
  return Launched{.pid = *pid, .output = output.read_end.release()};
}

}  // namespace ride::agent
