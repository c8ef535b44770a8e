#include "process/program.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include "common/file_text.h"
#include "common/log.h"
#include "common/redact.h"

namespace ride::process {
namespace fs = std::filesystem;
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kLook{20}, kKillPatience{5'000};
constexpr std::size_t kTailLines = 12;

std::uintmax_t size_of(const fs::path& file) {
  std::error_code failed;
  const auto size = fs::file_size(file, failed);
  return failed ? 0 : size;
}

}  // namespace

std::string log_tail(const fs::path& file, std::uintmax_t start, std::size_t lines) {
  constexpr std::uintmax_t kMostBytes = 16 << 10;
  const std::uintmax_t size = size_of(file);
  if (size <= start) return {};
  const auto text = file_text(file, std::max(start, size - std::min(size, kMostBytes)));
  std::size_t at = text.size();
  for (std::size_t found = 0; at > 0 && found <= lines;) {
    at = text.rfind('\n', at - 1);
    if (at == std::string::npos) return redact(text);
    if (at + 1 < text.size()) ++found;
    if (found == lines) break;
  }
  return redact(text.substr(at == 0 ? 0 : at + 1));
}

Result<std::unique_ptr<Program>> Program::start(ProgramPlan plan) {
  auto program = std::unique_ptr<Program>(new Program(std::move(plan)));
  RIDE_TRY(program->start_again());
  return program;
}

Result<void> Program::start_again() {
  log_start_ = size_of(plan_.log);
  auto process = ChildProcess::start({.arguments = plan_.arguments,
                                      .environment = plan_.environment,
                                      .working_folder = plan_.working_folder,
                                      .output = plan_.log,
                                      .signal_on_parent_death = plan_.signal_on_parent_death});
  if (!process.ok()) return process.error();
  process_ = std::move(*process);
  return {};
}

Result<std::string> Program::wait_for(std::string_view mark, milliseconds timeout, std::stop_token stop) const {
  for (const auto deadline = Clock::now() + timeout;; std::this_thread::sleep_for(kLook)) {
    const bool runs = alive();  // asked first: it may say it and end
    const auto text = file_text(plan_.log, log_start_);
    const auto at = text.find(mark);
    if (at != std::string::npos && text.find('\n', at) != std::string::npos) {
      const auto begin = at + mark.size();
      return text.substr(begin, text.find_first_of(" \n", begin) - begin);
    }
    if (!runs) return explain_end();
    if (stop.stop_requested()) return Error{ErrorCode::cancelled, "stopped while " + plan_.name + " was starting"};
    if (Clock::now() > deadline)
      return Error{ErrorCode::timeout,
                   fmt::format("{} did not become ready within {} s. Its log ({}) ends with:\n{}", plan_.name,
                               timeout.count() / 1000, plan_.log.string(), last_words())};
  }
}

std::string Program::last_words() const { return log_tail(plan_.log, log_start_, kTailLines); }

Error Program::explain_end() const {
  const int code = process_->exit_code().value_or(-1);
  const std::string how = code > 128 ? fmt::format("by signal {}", code - 128) : fmt::format("with exit code {}", code);
  return {ErrorCode::internal, fmt::format("{} ended by itself, {}. Its log ({}) ends with:\n{}", plan_.name, how,
                                           plan_.log.string(), last_words())};
}

bool Program::end(milliseconds deadline, std::stop_token hurry) {
  process_->send_signal(SIGTERM);
  for (const auto until = Clock::now() + deadline; !process_->wait_until_ended(kLook);) {
    if (!hurry.stop_requested() && Clock::now() <= until) continue;
    process_->send_signal(SIGKILL);
    process_->wait_until_ended(kKillPatience);
    return false;
  }
  return true;
}

}  // namespace ride::process
