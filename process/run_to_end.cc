#include "process/run_to_end.h"

#include <spdlog/fmt/fmt.h>

#include <csignal>
#include <cstring>

namespace ride::process {
namespace {

constexpr std::chrono::milliseconds kEndLook{20};
constexpr std::chrono::seconds kGroupEnd{10};
constexpr std::size_t kWordLines = 5;  // lines

}  // namespace

Result<EndedRun> run_to_end(ProgramPlan plan, std::optional<std::chrono::milliseconds> limit,
                            const std::stop_token& stop) {
  std::error_code failed;
  plan.working_folder = std::filesystem::current_path(failed);
  plan.signal_on_parent_death = SIGKILL;
  RIDE_ASSIGN(const auto program, Program::start(std::move(plan)));
  const auto begin = std::chrono::steady_clock::now();
  while (!program->process().wait_until_ended(kEndLook)) {
    const bool late = limit && std::chrono::steady_clock::now() >= begin + *limit;
    if (!late && !stop.stop_requested()) continue;
    program->process().signal_group(SIGKILL);
    program->process().wait_until_ended(kGroupEnd);
    return EndedRun{.end = late ? RunEnd::late : RunEnd::stopped};
  }
  EndedRun ended{.code = program->process().exit_code().value_or(-1)};
  ended.how = ended.code > 128
                  ? fmt::format("it crashed with signal {} ({})", ended.code - 128, ::strsignal(ended.code - 128))
                  : fmt::format("it ended with code {} before it was through", ended.code);
  ended.last_words = log_tail(program->log(), 0, kWordLines);
  return ended;
}

}  // namespace ride::process
