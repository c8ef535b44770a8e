#include "process/process_id.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>

#include "process/proc.h"

namespace ride::process {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kLookMs = 50;

}  // namespace

std::string namespace_of(pid_t pid) {
  std::error_code failed;
  const auto link = fs::read_symlink(fs::path("/proc") / std::to_string(pid) / "ns" / "pid", failed);
  return failed ? std::string() : link.string();
}

std::optional<ProcessId> own_process_id() {
  const auto stat = read_stat(getpid());
  ProcessId own{getpid(), stat ? stat->started : "", boot_id(), namespace_of(getpid())};
  if (own.started.empty() || own.boot.empty() || own.namespace_.empty()) return std::nullopt;
  return own;
}

bool runs(const ProcessId& process) {
  const auto stat = read_stat(process.pid);
  return stat && stat->started == process.started && !stat->ended();
}

HeldProcess::HeldProcess(pid_t pid) : descriptor_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))) {}

void HeldProcess::send(int signal) const { syscall(SYS_pidfd_send_signal, descriptor_.get(), signal, nullptr, 0); }

bool HeldProcess::ended_within(std::chrono::milliseconds time, const std::stop_token& stop) const {
  for (const auto until = Clock::now() + time; !stop.stop_requested();) {
    pollfd entry{descriptor_.get(), POLLIN, 0};
    if (poll(&entry, 1, kLookMs) > 0) return true;
    if (Clock::now() > until) return false;
  }
  return false;
}

}  // namespace ride::process
