#include "cli/local/task_process.h"

#include <spdlog/fmt/fmt.h>

#include <csignal>
#include <cstring>

namespace ride::cli {
namespace {

constexpr std::chrono::milliseconds kTaskLook{20};
constexpr std::size_t kLastWords = 5;

std::string how_it_ended(const process::Program& process, int code) {
  const auto words = process::log_tail(process.log(), 0, kLastWords);
  const auto end = code > 128 ? fmt::format("it crashed with signal {} ({})", code - 128, ::strsignal(code - 128))
                              : fmt::format("it ended with code {} before it was through", code);
  return words.empty() ? end : end + "; its last words: " + words;
}

}  // namespace

Result<TaskProcessResult> run_task_process(std::vector<std::string> arguments, const std::filesystem::path& log,
                                           std::optional<std::chrono::milliseconds> limit,
                                           const std::stop_token& stop) {
  std::error_code failed;
  RIDE_ASSIGN(const auto process, process::Program::start({.name = "ride-test",
                                                           .arguments = std::move(arguments),
                                                           .log = log,
                                                           .working_folder = std::filesystem::current_path(failed),
                                                           .signal_on_parent_death = SIGKILL}));
  const auto begin = std::chrono::steady_clock::now();
  while (!process->process().wait_until_ended(kTaskLook)) {
    const bool late = limit && std::chrono::steady_clock::now() >= begin + *limit;
    if (!late && !stop.stop_requested()) continue;
    process->process().signal_group(SIGKILL);
    process->process().wait_until_ended(std::chrono::seconds(10));
    return TaskProcessResult{.end = late ? TaskProcessEnd::late : TaskProcessEnd::stopped};
  }
  const int code = process->process().exit_code().value_or(-1);
  return TaskProcessResult{.code = code, .how = how_it_ended(*process, code)};
}

}  // namespace ride::cli
