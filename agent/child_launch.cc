#include "agent/child_launch.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spdlog/fmt/fmt.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>

#include "common/crash_note.h"

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

constexpr int kNote = 3;  // descriptor of the crash note in the child

// Made before fork(): between it and exec, in a program with threads, only system calls are allowed.
struct ChildStart {
  std::vector<char*> arguments, environment;
  int output = -1, report = -1, note = -1;
  std::optional<cpu_set_t> cores;
  pid_t parent = 0;
};

// Descriptors 0 to 2, the note at its place, and the report until exec; nothing else.
bool keep_descriptors(const ChildStart& start, int& report) {
  report = fcntl(start.report, F_DUPFD_CLOEXEC, 10);  // out of the way of the note
  const int null = open("/dev/null", O_RDONLY);
  if (report < 0 || null < 0 || dup2(null, 0) < 0) return false;
  if (start.output >= 0 && (dup2(start.output, 1) < 0 || dup2(start.output, 2) < 0)) return false;
  int first = kNote;
  if (start.note >= 0) {
    if (start.note == kNote ? fcntl(kNote, F_SETFD, 0) < 0 : dup2(start.note, kNote) < 0) return false;
    ++first;
  }
  syscall(SYS_close_range, static_cast<unsigned>(first), static_cast<unsigned>(report) - 1, 0);
  syscall(SYS_close_range, static_cast<unsigned>(report) + 1, ~0U, 0);
  return true;
}

[[noreturn]] void become(const ChildStart& start) {
  int report = start.report;
  const auto give_up = [&report] {
    const int error = errno;
    [[maybe_unused]] const auto written = write(report, &error, sizeof error);
    _exit(127);
  };
  setpgid(0, 0);  // Ctrl-C in the terminal reaches the agent alone, which ends its children in order
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != start.parent) _exit(127);  // it died before the line above
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD}) ::signal(signal, SIG_DFL);
  if (!keep_descriptors(start, report)) give_up();
  // Fewer cores than stated are no reason not to run.
  if (start.cores) sched_setaffinity(0, sizeof *start.cores, &*start.cores);
  execve(start.arguments[0], start.arguments.data(), start.environment.data());
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

// Ours, less what a child of ours must not take for its own, and `more`.
std::vector<char*> environment_with(std::vector<std::string>& more) {
  std::vector<char*> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto name = text.substr(0, text.find('='));
    const bool replaced = std::any_of(more.begin(), more.end(), [&](const std::string& one) {
      return std::string_view(one).substr(0, one.find('=')) == name;
    });
    const bool ours = name == "RIDE_INCARNATION" || name == kCrashNoteVariable || name == "RIDE_TOKEN" ||
                      name == "RIDE_STARTED_AGAIN";
    if (!replaced && !ours) environment.push_back(*entry);
  }
  for (auto& one : more) environment.push_back(one.data());
  environment.push_back(nullptr);
  return environment;
}

std::optional<cpu_set_t> set_of(const std::vector<int>& cores) {
  if (cores.empty()) return std::nullopt;
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int core : cores) CPU_SET(static_cast<std::size_t>(core), &set);
  return set;
}

}  // namespace

Result<Launched> launch(const std::vector<std::string>& arguments, bool capture_output, const LaunchOptions& gifts) {
  RIDE_CHECK(!arguments.empty(), "a child has no program");
  ChildStart start;
  for (const auto& argument : arguments) start.arguments.push_back(const_cast<char*>(argument.c_str()));
  start.arguments.push_back(nullptr);
  auto ours = gifts.environment;
  if (!gifts.incarnation.empty()) ours.push_back("RIDE_INCARNATION=" + gifts.incarnation);
  if (gifts.crash_note >= 0) ours.push_back(fmt::format("{}={}", kCrashNoteVariable, kNote));
  start.environment = environment_with(ours);
  start.cores = set_of(gifts.cores);
  start.note = gifts.crash_note;
  Pipe output, report;
  if ((capture_output && !output.open()) || !report.open()) return start_error(arguments[0], errno);
  start.output = output.write_end;
  start.report = report.write_end;
  start.parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return start_error(arguments[0], errno);
  if (pid == 0) become(start);
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
