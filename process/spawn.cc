#include "process/spawn.h"

#include <fcntl.h>
#include <sched.h>
#include <spdlog/fmt/fmt.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>

#include "common/check.h"
#include "process/descriptor.h"

namespace ride::process {
namespace {

constexpr int kOutOfTheWay = 10;  // descriptors that must survive the moves to 0..3

// All that the child needs, made before fork(): after it, in a program with threads, only system calls are allowed.
struct Prepared {
  std::vector<char*> arguments, environment;
  const char* folder = nullptr;
  int output = -1, inherited = -1, report = -1, death_signal = 0;
  std::optional<cpu_set_t> cores;
  pid_t parent = 0;
};

// Descriptors 0 to 2, the inherited one at its place, and the report, which closes itself on a successful exec. Nothing
// else of ours may stay open: a listening socket or a pipe's end would live as long as the child.
bool keep_descriptors(const Prepared& plan, int& report) {
  const int moved = fcntl(plan.report, F_DUPFD_CLOEXEC, kOutOfTheWay);
  if (moved < 0) return false;  // what is wrong is still reported by the old one
  report = moved;
  const int inherited = plan.inherited < 0 ? -1 : fcntl(plan.inherited, F_DUPFD_CLOEXEC, kOutOfTheWay);
  const int output = plan.output < 0 ? -1 : fcntl(plan.output, F_DUPFD_CLOEXEC, kOutOfTheWay);
  const int null = open("/dev/null", O_RDONLY);  // stays open where it is 0 itself
  if (null < 0 || (plan.inherited >= 0 && inherited < 0) || (plan.output >= 0 && output < 0)) return false;
  if (null != 0 && dup2(null, 0) < 0) return false;  // before another one is moved over it
  if (output >= 0 && (dup2(output, 1) < 0 || dup2(output, 2) < 0)) return false;
  if (inherited >= 0 && dup2(inherited, kInherited) < 0) return false;
  const unsigned first = inherited >= 0 ? kInherited + 1 : kInherited;
  const auto kept = static_cast<unsigned>(report);
  syscall(SYS_close_range, first, kept - 1, 0);
  syscall(SYS_close_range, kept + 1, ~0U, 0);
  return true;
}

[[noreturn]] void become(const Prepared& plan) {
  int report = plan.report;
  const auto give_up = [&report] {
    const int error = errno;
    [[maybe_unused]] const auto written = write(report, &error, sizeof error);
    _exit(127);
  };
  setpgid(0, 0);  // Ctrl-C in the terminal reaches us alone, and we end it in order
  if (plan.death_signal != 0) {
    prctl(PR_SET_PDEATHSIG, plan.death_signal);
    if (getppid() != plan.parent) _exit(127);  // the parent died before the line above
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD}) ::signal(signal, SIG_DFL);
  if (plan.folder != nullptr && chdir(plan.folder) != 0) give_up();
  if (!keep_descriptors(plan, report)) give_up();
  // Fewer cores than stated are no reason not to run.
  if (plan.cores) sched_setaffinity(0, sizeof *plan.cores, &*plan.cores);
  execve(plan.arguments[0], plan.arguments.data(), plan.environment.data());
  give_up();
  _exit(127);  // not reached
}

std::optional<cpu_set_t> set_of(const std::vector<int>& cores) {
  if (cores.empty()) return std::nullopt;
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int core : cores) CPU_SET(static_cast<std::size_t>(core), &set);
  return set;
}

Error start_error(const std::string& program, int error) {
  const bool lacks = error == EAGAIN || error == ENOMEM || error == EMFILE || error == ENFILE || error == ENOSPC;
  const ErrorCode code = error == ENOENT                     ? ErrorCode::not_found
                         : error == EACCES || error == EPERM ? ErrorCode::permission
                         : lacks                             ? ErrorCode::resource_exhausted
                                                             : ErrorCode::internal;
  return {code, fmt::format("cannot start {}: {}", program, std::strerror(error)), lacks};
}

}  // namespace

std::vector<std::string> environment_with(const std::vector<std::string>& more,
                                          const std::vector<std::string_view>& without) {
  const auto name_of = [](std::string_view entry) { return entry.substr(0, entry.find('=')); };
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const auto name = name_of(*entry);
    const bool replaced = std::any_of(more.begin(), more.end(), [&](const auto& one) { return name_of(one) == name; });
    if (!replaced && std::find(without.begin(), without.end(), name) == without.end()) all.emplace_back(*entry);
  }
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> all;
  all.reserve(texts.size() + 1);
  for (const std::string& text : texts) all.push_back(const_cast<char*>(text.c_str()));
  all.push_back(nullptr);
  return all;
}

Result<pid_t> spawn(const SpawnPlan& plan) {
  RIDE_CHECK(!plan.arguments.empty(), "a child has no program");
  RIDE_ASSIGN(auto report, make_pipe());
  Prepared prepared{.arguments = pointers(plan.arguments),
                    .environment = pointers(plan.environment),
                    .folder = plan.working_folder.empty() ? nullptr : plan.working_folder.c_str(),
                    .output = plan.output,
                    .inherited = plan.inherited,
                    .report = report.write_end.get(),
                    .death_signal = plan.signal_on_parent_death,
                    .cores = set_of(plan.cores),
                    .parent = getpid()};
  const pid_t pid = fork();
  if (pid < 0) return start_error(plan.arguments.front(), errno);
  if (pid == 0) become(prepared);
  report.write_end.close();
  int exec_error = 0;
  ssize_t got = 0;
  do got = read(report.read_end.get(), &exec_error, sizeof exec_error);
  while (got < 0 && errno == EINTR);
  if (got <= 0) return pid;
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return start_error(plan.arguments.front(), exec_error);
}

}  // namespace ride::process
