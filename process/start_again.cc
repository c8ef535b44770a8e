#include "process/start_again.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <thread>

#include "common/crash_note.h"
#include "common/log.h"
#include "process/proc.h"
#include "process/spawn.h"
#include "process/variables.h"

namespace ride::process {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kMostTimes = 10;
constexpr milliseconds kFirstWait{100}, kLongestWait{5'000}, kStableAfter{10'000};

std::set<int> open_files() {
  std::set<int> open;
  DIR* folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return open;
  for (const dirent* entry = ::readdir(folder); entry != nullptr; entry = ::readdir(folder)) {
    int number = -1;
    const std::string_view name = entry->d_name;
    std::from_chars(name.data(), name.data() + name.size(), number);
    if (number >= 0 && number != ::dirfd(folder)) open.insert(number);
  }
  ::closedir(folder);
  return open;
}

bool is_set(const char* variable) {
  const char* text = std::getenv(variable);
  return text != nullptr && *text != 0;
}

int times_so_far() {
  const char* text = std::getenv(kStartedAgainVariable);
  int times = 0;
  if (text != nullptr) std::from_chars(text, text + std::strlen(text), times);
  return std::clamp(times, 0, kMostTimes);
}

}  // namespace

StartAgain::StartAgain(char** arguments)
    : inherited_(open_files()),
      began_(steady_clock::now()),
      has_agent_(is_set(kCrashNoteVariable)),
      times_(times_so_far()) {
  for (char** one = arguments; *one != nullptr; ++one) arguments_.emplace_back(*one);
  ::prctl(PR_GET_PDEATHSIG, &parent_death_);
  has_cores_ = ::sched_getaffinity(0, sizeof cores_, &cores_) == 0;
}

void StartAgain::now(const std::atomic<bool>& stop, int code) {
  while (called_.exchange(true)) ::pause();  // another thread has begun, and ends us
  if (has_agent_) std::_Exit(code);
  if (steady_clock::now() - began_ >= kStableAfter) times_ = 0;
  const auto wait = times_ == 0 ? milliseconds(0) : std::min(kFirstWait * (1 << times_), kLongestWait);
  for (const auto until = steady_clock::now() + wait; !stop && steady_clock::now() < until;)
    std::this_thread::sleep_for(milliseconds(20));
  // From here on a signal ends us at once, as it does a process that has just begun.
  std::signal(SIGTERM, SIG_DFL);
  std::signal(SIGINT, SIG_DFL);
  if (stop) std::_Exit(0);
  become_anew(code);
}

void StartAgain::become_anew(int code) {
  for (const int file : open_files())
    if (file > 2 && !inherited_.contains(file)) ::fcntl(file, F_SETFD, FD_CLOEXEC);
  if (parent_death_ != 0) ::prctl(PR_SET_PDEATHSIG, parent_death_);  // it belongs to the thread that set it
  if (has_cores_) ::sched_setaffinity(0, sizeof cores_, &cores_);    // a task may have had some to itself
  // The name of an incarnation is given once.
  const auto variables = environment_with(
      {fmt::format("{}={}", kStartedAgainVariable, std::min(times_ + 1, kMostTimes))}, {kIncarnationVariable});
  const auto texts = pointers(arguments_), settings = pointers(variables);
  // By its path first, since the last part of what is executed is the name that ps and killall show.
  if (const auto path = own_program(); !path.empty()) ::execve(path.c_str(), texts.data(), settings.data());
  ::execve("/proc/self/exe", texts.data(), settings.data());  // it was replaced or removed meanwhile
  log_error("cannot start this program again: {}", std::strerror(errno));
  std::_Exit(code);
}

void end_within(std::chrono::seconds limit, std::function<void()> end) {
  std::thread([limit, end = std::move(end)] {
    std::this_thread::sleep_for(limit);
    end();
  }).detach();
}

}  // namespace ride::process
