#include "agent/child_launch.h"

#include <fcntl.h>
#include <signal.h>
#include <spdlog/fmt/fmt.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

namespace ride::agent {
namespace {

struct Pipe {
  int read_end = -1, write_end = -1;
  ~Pipe() {
    close_end(read_end);
    close_end(write_end);
  }
  static void close_end(int& end) {
    if (end >= 0) close(end);
    end = -1;
  }
  bool open() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return false;
    read_end = ends[0];
    write_end = ends[1];
    return true;
  }
};

// All is made before fork(): between it and exec, in a program with threads, only system calls are allowed.
[[noreturn]] void become(char* const* arguments, char* const* environment, int output, int report, pid_t parent) {
  const auto give_up = [report] {
    const int error = errno;
    [[maybe_unused]] const auto written = write(report, &error, sizeof error);
    _exit(127);
  };
  setpgid(0, 0);  // Ctrl-C in the terminal reaches the agent alone, which ends its children in order
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // it died before the line above
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD}) ::signal(signal, SIG_DFL);
  const int null = open("/dev/null", O_RDONLY);
  if (null < 0 || dup2(null, 0) < 0) give_up();
  if (output >= 0 && (dup2(output, 1) < 0 || dup2(output, 2) < 0)) give_up();
  const unsigned kept = static_cast<unsigned>(report);
  if (kept > 3) syscall(SYS_close_range, 3U, kept - 1, 0);
  syscall(SYS_close_range, kept + 1, ~0U, 0);
  execve(arguments[0], arguments, environment);
  give_up();
  _exit(127);  // not reached
}

Error start_error(const std::string& program, int error) {
  const ErrorCode code = error == ENOENT                      ? ErrorCode::not_found
                         : error == EACCES || error == EPERM  ? ErrorCode::permission
                         : error == EAGAIN || error == ENOMEM ? ErrorCode::resource_exhausted
                                                              : ErrorCode::internal;
  return {code, fmt::format("cannot start {}: {}", program, std::strerror(error)), true};
}

}  // namespace

Result<Launched> launch(const std::vector<std::string>& arguments, bool capture_output,
                        const std::string& incarnation) {
  RIDE_CHECK(!arguments.empty(), "a child has no program");
  std::vector<char*> pointers;
  for (const auto& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  std::string named = "RIDE_INCARNATION=" + incarnation;
  std::vector<char*> environment;
  for (char** entry = environ; *entry != nullptr; ++entry)
    if (!std::string_view(*entry).starts_with("RIDE_INCARNATION=")) environment.push_back(*entry);
  if (!incarnation.empty()) environment.push_back(named.data());
  environment.push_back(nullptr);
  Pipe output, report;
  if ((capture_output && !output.open()) || !report.open()) return start_error(arguments[0], errno);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return start_error(arguments[0], errno);
  if (pid == 0) become(pointers.data(), environment.data(), output.write_end, report.write_end, parent);
  Pipe::close_end(report.write_end);
  int exec_error = 0;
  ssize_t got = 0;
  do got = read(report.read_end, &exec_error, sizeof exec_error);
  while (got < 0 && errno == EINTR);
  if (got > 0) {
    waitpid(pid, nullptr, 0);
    return start_error(arguments[0], exec_error);
  }
  Launched launched{.pid = pid, .output = output.read_end};
  output.read_end = -1;
  if (launched.output >= 0) fcntl(launched.output, F_SETFL, O_NONBLOCK);
  return launched;
}

}  // namespace ride::agent
