#include "broker-config/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spdlog/fmt/fmt.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <future>

namespace ride::broker {
namespace {

// All that the child needs, made before fork(): after it, in a program with threads, only system calls are allowed.
struct Prepared {
  std::vector<char*> arguments, environment;
  const char* folder;
  int output, inherited, report, death_signal;
  pid_t parent;
};

[[noreturn]] void run_child(const Prepared& plan) {
  const auto give_up = [&plan] {
    const int error = errno;
    [[maybe_unused]] const auto written = write(plan.report, &error, sizeof error);
    _exit(127);
  };
  setpgid(0, 0);
  if (plan.death_signal != 0) {
    prctl(PR_SET_PDEATHSIG, plan.death_signal);
    if (getppid() != plan.parent) _exit(127);  // the parent died in between
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD}) ::signal(signal, SIG_DFL);
  if (chdir(plan.folder) != 0) give_up();
  // The report pipe moves out of the way first: it must survive the moves to 0..3. It closes itself on a successful
  // exec.
  const int report = fcntl(plan.report, F_DUPFD_CLOEXEC, 10);
  const int inherited = plan.inherited < 0 ? -1 : fcntl(plan.inherited, F_DUPFD_CLOEXEC, 10);
  const int output = fcntl(plan.output, F_DUPFD_CLOEXEC, 10);
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (report < 0 || output < 0 || null < 0) give_up();
  if (dup2(output, 1) < 0 || dup2(output, 2) < 0) give_up();
  if (inherited >= 0 && dup2(inherited, 3) < 0) give_up();
  if (dup2(null, 0) < 0) give_up();
  // Nothing else of ours may stay open in it: a listening socket or a pipe's end would live as long as the child.
  const unsigned first = inherited >= 0 ? 4 : 3;
  const unsigned kept = static_cast<unsigned>(report);
  syscall(SYS_close_range, first, kept - 1, 0);
  syscall(SYS_close_range, kept + 1, ~0U, 0);
  execve(plan.arguments[0], plan.arguments.data(), plan.environment.data());
  const int error = errno;
  [[maybe_unused]] const auto written = write(report, &error, sizeof error);
  _exit(127);
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

std::vector<std::string> environment_with(const std::vector<std::string>& added) {
  std::vector<std::string> all = added;
  for (char** entry = environ; *entry; ++entry) {
    const std::string text = *entry;
    const std::string name = text.substr(0, text.find('=') + 1);
    bool replaced = false;
    for (const std::string& other : added) replaced = replaced || other.starts_with(name);
    if (!replaced) all.push_back(text);
  }
  return all;
}

struct Descriptor {
  int number = -1;
  ~Descriptor() {
    if (number >= 0) close(number);
  }
};

Error failed(const std::string& what, int error) {
  return {error == ENOSPC ? ErrorCode::resource_exhausted : ErrorCode::internal,
          fmt::format("{}: {}", what, std::strerror(error))};
}

}  // namespace

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(const ProcessPlan& plan) {
  const auto environment = environment_with(plan.environment);
  Descriptor output{open(plan.output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)};
  if (output.number < 0) return failed("cannot write " + plan.output.string(), errno);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return failed("cannot make a pipe", errno);
  Descriptor read_end{ends[0]}, write_end{ends[1]};
  const Prepared prepared{pointers(plan.arguments), pointers(environment), plan.working_folder.c_str(), output.number,
                          plan.inherited,           write_end.number,      plan.signal_on_parent_death, getpid()};

  std::unique_ptr<ChildProcess> child(new ChildProcess);
  std::promise<std::pair<pid_t, int>> forked;  // pid, errno
  child->waiter_ = std::thread([self = child.get(), &prepared, &forked] {
    const pid_t pid = fork();
    if (pid == 0) run_child(prepared);
    self->pid_ = pid;
    forked.set_value({pid, errno});
    if (pid > 0) self->wait_for_end();
  });
  const auto [pid, fork_error] = forked.get_future().get();
  if (pid < 0) {
    child->exit_code_ = 127;
    return failed("cannot start a process", fork_error);
  }
  close(write_end.number);
  write_end.number = -1;
  int exec_error = 0;
  ssize_t got = 0;
  do got = read(read_end.number, &exec_error, sizeof exec_error);
  while (got < 0 && errno == EINTR);
  if (got > 0) return failed("cannot run " + plan.arguments.front(), exec_error);
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

}  // namespace ride::broker
