#include "agent/child.h"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "agent/child_launch.h"
#include "common/log.h"
#include "process/proc.h"
#include "stream/core/control_limits.h"
#include "stream/member.h"

namespace ride::agent {
namespace {

// The last line that says something.
std::string last_line(const std::string& text) {
  const auto end = text.find_last_not_of("\n\r ");
  if (end == std::string::npos) return {};
  const auto start = text.rfind('\n', end);
  return text.substr(start == std::string::npos ? 0 : start + 1,
                     end - (start == std::string::npos ? 0 : start + 1) + 1);
}

// The stricter of two limits; 0 is none.
std::int64_t stricter(std::int64_t one, std::int64_t other) {
  if (one == 0 || other == 0) return std::max(one, other);
  return std::min(one, other);
}

}  // namespace

Child::~Child() { stop_output(); }

Result<void> Child::open_log(const std::filesystem::path& folder) {
  RIDE_ASSIGN(auto log, ChildLog::open(folder, plan_.name));
  log_ = std::make_unique<ChildLog>(std::move(log));
  return {};
}

Result<pid_t> Child::launch() {
  stop_output();
  if (!note_) {
    RIDE_ASSIGN(auto note, CrashNote::make());
    note_.emplace(std::move(note));
  }
  note_->clear();
  watch_.restart();
  verdict_.reset();
  incarnation_ = stream::new_incarnation(plan_.name);
  const LaunchOptions options{incarnation_.value, note_->descriptor(), plan_.cores, plan_.environment};
  RIDE_ASSIGN(auto launched, agent::launch(plan_.arguments, log_ != nullptr, options));
  output_ = launched.output;
  log_info("started {} (process {})", plan_.name, launched.pid);
  if (log_)
    log_->write(fmt::format("---- {} {} starts as process {}\n", format_time(system_now()), plan_.name, launched.pid));
  return launched.pid;
}

void Child::drain_output() {
  if (output_ >= 0 && !log_->drain(output_)) stop_output();
}

void Child::stop_output() {
  if (output_ >= 0) close(output_);
  output_ = -1;
}

std::optional<ChildFault> Child::look(pid_t pid, TimePoint now) {
  if (!note_) return std::nullopt;
  const auto stat = process::read_stat(pid);
  auto verdict = watch_.saw({.work = note_->read(),
                             .stopped = stat && stat->stopped(),
                             .memory_bytes = process::memory_of(pid).unshared(),
                             .memory_limit = stricter(plan_.memory_limit, note_->memory_limit())},
                            now);
  if (verdict) verdict_ = verdict;
  return verdict;
}

stream::ChildExit Child::report(const ReportExit& exit, bool killed_outside, bool out_of_memory) const {
  stream::ChildExit report{.child = incarnation_, .pid = exit.pid};
  report.exit_code = exit.status.code;
  report.signal = exit.status.signal;
  report.ordered = exit.ordered;
  report.at = system_now();
  if (verdict_)
    report.cause = verdict_->kind == ChildFault::Kind::hang ? stream::ExitCause::hang : stream::ExitCause::memory;
  else if (exit.status.signal == SIGKILL && out_of_memory)
    report.cause = stream::ExitCause::memory;
  else if (killed_outside)
    report.cause = stream::ExitCause::outside;
  if (!note_) return report;
  // It had to end, and got to its exit: what it was working on is not to blame. A signal is a crash even so.
  report.orderly = note_->ends_in_order() && exit.status.signal == 0;
  if (report.orderly) return report;
  for (const auto& [at, moved, allowed] : note_->read_all())
    report.frames.push_back({at.job, at.run, at.stage, at.partition, at.offset, at.frame});
  if (const auto record = note_->being_read())
    report.frames.push_back(
        {record->job, record->run, record->stage, record->partition, record->offset, record->frame});
  stream::drop_impossible_frames(report);
  return report;
}

std::string Child::last_words() const {
  if (!log_) return {};
  return fmt::format("; its last log line: {} (see {})", last_line(log_->tail()), log_->file().string());
}

}  // namespace ride::agent
