#include "common/start_again.h"

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

namespace ride {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr const char* kTimesVariable = "RIDE_STARTED_AGAIN";
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

// Empty: the file is not there any more.
std::string own_path() {
  char text[4096];
  const auto size = ::readlink("/proc/self/exe", text, sizeof text);
  if (size <= 0 || size == static_cast<ssize_t>(sizeof text)) return {};
  std::string path(text, static_cast<std::size_t>(size));
  return path.ends_with(" (deleted)") ? std::string() : path;
}

bool is_set(const char* variable) {
  const char* text = std::getenv(variable);
  return text != nullptr && *text != 0;
}

int times_so_far() {
  const char* text = std::getenv(kTimesVariable);
  int times = 0;
  if (text != nullptr) std::from_chars(text, text + std::strlen(text), times);
  return std::clamp(times, 0, kMostTimes);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (auto& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
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

// Ours, with the count. The name of an incarnation is given once.
std::vector<std::string> StartAgain::environment(int times) const {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto name = text.substr(0, text.find('='));
    if (name != kTimesVariable && name != "RIDE_INCARNATION") all.emplace_back(text);
  }
  all.push_back(std::string(kTimesVariable) + "=" + std::to_string(times));
  return all;
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
  auto variables = environment(std::min(times_ + 1, kMostTimes));
  const auto texts = pointers(arguments_), settings = pointers(variables);
  // By its path first, since the last part of what is executed is the name that ps and killall show.
  if (const auto path = own_path(); !path.empty()) ::execve(path.c_str(), texts.data(), settings.data());
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

}  // namespace ride
