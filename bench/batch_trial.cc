#include "bench/batch_trial.h"

#include <poll.h>
#include <spdlog/fmt/fmt.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <thread>

#include "common/file_text.h"
#include "process/child_process.h"
#include "process/proc.h"

namespace ride::bench {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kLongest = 30min;  // of one trial
constexpr auto kCpuEvery = 500ms;

double cpu_of_ended_children() {
  rusage usage{};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// "ride-worker-2", "java", "python3": what a person tells processes apart by.
std::string name_of(pid_t pid) {
  const auto words = process::command_line_of(pid);
  if (words.empty()) return {};
  std::string name = fs::path(words.front()).filename().string();
  for (std::size_t i = 1; i + 1 < words.size(); ++i)
    if (words[i] == "--name") name += " " + words[i + 1];
  return name;
}

// When the first picture was opened, and when the last file came into its place, as the kernel says it: nobody's own
// account of itself. Beside it, how much CPU time each process has used by then.
class FolderWatch {
 public:
  explicit FolderWatch(const Batch& batch) : events_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    in_ = ::inotify_add_watch(events_, batch.in().c_str(), IN_OPEN);
    out_ = ::inotify_add_watch(events_, batch.out().c_str(), IN_MOVED_TO | IN_CLOSE_WRITE);
    thread_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
  }
  ~FolderWatch() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
    ::close(events_);
  }
  FolderWatch(const FolderWatch&) = delete;
  FolderWatch& operator=(const FolderWatch&) = delete;

  // After everything has ended: false, where nothing was read or written.
  bool fill(Trial& trial) {
    thread_.request_stop();
    thread_.join();
    if (!first_ || !last_) return false;
    trial.seconds = std::chrono::duration<double>(*last_ - *first_).count();
    for (const auto& [pid, used] : at_last_) {
      const auto before = at_first_.find(pid);
      const double cpu = used.cpu - (before == at_first_.end() ? 0 : before->second.cpu);
      trial.cpu_by_program[used.name] += cpu;
      trial.cpu += cpu;
    }
    return true;
  }

 private:
  struct Used {
    std::string name;
    double cpu = 0;
  };
  using Usage = std::map<pid_t, Used>;

  void watch(const std::stop_token& stop) {
    alignas(inotify_event) std::array<char, std::size_t{64} * 1024> buffer;
    auto next_look = Clock::now();
    for (bool more = true; more || !stop.stop_requested();) {
      pollfd ready{events_, POLLIN, 0};
      ::poll(&ready, 1, 20);
      const auto now = Clock::now();
      const auto bytes = ::read(events_, buffer.data(), buffer.size());
      more = bytes > 0;
      for (ssize_t at = 0; at < bytes;) {
        const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
        see(*event, now);
        at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      }
      if (now < next_look) continue;
      next_look = now + kCpuEvery;
      look();
    }
  }
  void see(const inotify_event& event, Clock::time_point now) {
    if ((event.mask & IN_ISDIR) != 0 || event.len == 0 || event.name[0] == '.') return;
    if (event.wd == in_ && !first_) {
      first_ = now;
      look();
      at_first_ = now_;
    }
    if (event.wd == out_) {
      last_ = now;
      at_last_ = now_;
      last_is_new_ = true;
    }
  }
  // Processes that have ended since count with what they had used at the last look.
  void look() {
    for (const auto pid : process::descendants_of(::getpid())) {
      const auto stat = process::read_stat(pid);
      if (!stat) continue;
      auto& used = now_[pid];
      used.cpu = stat->cpu_seconds;
      if (auto name = name_of(pid); !name.empty()) used.name = std::move(name);
    }
    if (std::exchange(last_is_new_, false)) at_last_ = now_;
  }

  const int events_;
  int in_ = -1, out_ = -1;
  // The thread's, until it has ended.
  std::optional<Clock::time_point> first_, last_;
  Usage now_, at_first_, at_last_;
  bool last_is_new_ = false;
  std::jthread thread_;
};

Result<void> check(const Batch& batch, const std::string& who, int code, const std::string& said) {
  const auto files = std::count_if(fs::directory_iterator(batch.out()), fs::directory_iterator(),
                                   [](const auto& one) { return !one.path().filename().string().starts_with('.'); });
  if (code != 0 || files != batch.pictures)
    return Error{ErrorCode::internal, fmt::format("{} gave {} of {} files and ended with code {}:\n{}", who, files,
                                                  batch.pictures, code, said)};
  for (const auto& name : batch.broken)
    if (said.find(name) == std::string::npos)
      return Error{ErrorCode::internal, fmt::format("{} does not say that it left out {}:\n{}", who, name, said)};
  return {};
}

}  // namespace

Result<Trial> run_trial(const Batch& batch, const std::vector<std::string>& arguments) {
  std::error_code failed;
  const auto log = batch.folder / "log.txt";
  fs::remove_all(batch.out(), failed);
  fs::remove(log, failed);
  fs::create_directories(batch.out(), failed);
  ::sync();  // nobody pays for what another one has written
  FolderWatch watch(batch);
  const double cpu_before = cpu_of_ended_children();
  const auto begin = Clock::now();
  RIDE_ASSIGN(auto child,
              process::ChildProcess::start(
                  {.arguments = arguments, .environment = {}, .working_folder = batch.folder, .output = log}));
  if (!child->wait_until_ended(kLongest)) return Error{ErrorCode::timeout, arguments[0] + " does not end"};
  Trial trial{.whole = std::chrono::duration<double>(Clock::now() - begin).count(),
              .cpu_whole = cpu_of_ended_children() - cpu_before};
  const bool seen = watch.fill(trial);
  RIDE_TRY(check(batch, arguments[0], child->exit_code().value_or(-1), file_text(log)));
  if (!seen) return Error{ErrorCode::internal, arguments[0] + " read or wrote nothing"};
  return trial;
}

}  // namespace ride::bench
