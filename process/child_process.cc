#include "process/child_process.h"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <future>

#include "process/descriptor.h"
#include "process/spawn.h"

namespace ride::process {

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(const ProcessPlan& plan) {
  const Descriptor output(open(plan.output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!output.ok()) {
    const int error = errno;
    return Error{error == ENOSPC ? ErrorCode::resource_exhausted : ErrorCode::internal,
                 fmt::format("cannot write {}: {}", plan.output.string(), std::strerror(error))};
  }
  const SpawnPlan spawn_plan{.arguments = plan.arguments,
                             .environment = environment_with(plan.environment),
                             .working_folder = plan.working_folder,
                             .output = output.get(),
                             .inherited = plan.inherited,
                             .signal_on_parent_death = plan.signal_on_parent_death};
  std::unique_ptr<ChildProcess> child(new ChildProcess);
  std::promise<Result<pid_t>> started;
  auto outcome = started.get_future();
  child->waiter_ = std::thread([self = child.get(), &spawn_plan, started = std::move(started)]() mutable {
    auto pid = spawn(spawn_plan);
    const bool runs = pid.ok();
    if (runs) self->pid_ = *pid;
    started.set_value(std::move(pid));  // the plan may be gone from here on
    if (runs) self->wait_for_end();
  });
  const auto pid = outcome.get();
  if (!pid.ok()) {
    child->exit_code_ = 127;
    return pid.error();
  }
  return child;
}

ChildProcess::~ChildProcess() {
  send_signal(SIGKILL);
  if (waiter_.joinable()) waiter_.join();
}

void ChildProcess::wait_for_end() {
  siginfo_t info{};
  // Look first, reap under the mutex: so send_signal() never hits another process that got the same number.
  while (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  const std::lock_guard lock(mutex_);
  int status = 0;
  const pid_t reaped = waitpid(pid_, &status, 0);
  exit_code_ = reaped != pid_ ? 0 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  changed_.notify_all();
}

bool ChildProcess::alive() const {
  const std::lock_guard lock(mutex_);
  return !exit_code_;
}

void ChildProcess::send_signal(int signal) {
  const std::lock_guard lock(mutex_);
  if (!exit_code_ && pid_ > 0) kill(pid_, signal);
}

void ChildProcess::signal_group(int signal) {
  const std::lock_guard lock(mutex_);
  if (!exit_code_ && pid_ > 0)
    kill(-pid_, signal);  // it leads the group, and is not reaped: the number is still its own
}

bool ChildProcess::wait_until_ended(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [this] { return exit_code_.has_value(); });
}

std::optional<int> ChildProcess::exit_code() const {
  const std::lock_guard lock(mutex_);
  return exit_code_;
}

}  // namespace ride::process
