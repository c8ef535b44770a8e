// bench/run large: each case of `bench/run tasks` on the paper's largest frame, 24160x25720 bytes (621 MB; pictures of
// several channels have as many bytes, in fewer rows), each in a process of its own that may have 8 GiB: how long it
// takes on one thread, and its memory at the most, picture and result among it. A case that does not end within the
// time that it is given is ended, and named with what it had taken by then.
#include <spdlog/fmt/fmt.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <opencv2/core.hpp>
#include <opencv2/core/utility.hpp>

#include "bench/measure_task.h"
#include "bench/picture_benchmarks.h"
#include "common/large_buffers.h"

namespace ride::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRows = 24160, kCols = 25720, kTile = 2048, kSecondsEach = 120;
constexpr std::size_t kMostText = 4000;
constexpr rlim_t kMemory = rlim_t{8} << 30;

// A made picture again and again.
cv::Mat large_picture(int type) {
  const cv::Mat tile = sample_picture(kTile, type);
  cv::Mat picture(kRows / CV_MAT_CN(type), kCols, type);
  for (int y = 0; y < picture.rows; y += kTile) {
    for (int x = 0; x < picture.cols; x += kTile) {
      const cv::Rect part(x, y, std::min(kTile, picture.cols - x), std::min(kTile, picture.rows - y));
      tile(cv::Rect({0, 0}, part.size())).copyTo(picture(part));
    }
  }
  return picture;
}

// In the child: how long the task had the picture.
Result<double> work(const TaskCase& one) {
  const rlimit limit{kMemory, kMemory};
  if (::setrlimit(RLIMIT_AS, &limit) != 0)
    return Error{ErrorCode::internal, std::string("setrlimit: ") + std::strerror(errno)};
  RIDE_ASSIGN(const auto opened, OpenedTask::open(one, large_picture(one.type)));
  const auto begin = Clock::now();
  RIDE_TRY(opened->process());
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// One run of a case; ends the process that has it, whatever becomes of it.
class Child {
 public:
  static Result<Child> start(const TaskCase& one) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) return Error{ErrorCode::internal, std::string("pipe: ") + std::strerror(errno)};
    const pid_t pid = ::fork();  // this program has no other threads
    if (pid < 0) return Error{ErrorCode::internal, std::string("fork: ") + std::strerror(errno)};
    if (pid == 0) {
      ::close(ends[0]);
      const auto seconds = work(one);
      const std::string text = seconds ? std::to_string(*seconds) : seconds.error().message;
      const auto written = ::write(ends[1], text.data(), std::min(text.size(), kMostText));
      ::_exit(written < 0 || !seconds ? 1 : 0);
    }
    ::close(ends[1]);
    return Child(pid, ends[0]);
  }
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)), output_(std::exchange(other.output_, -1)) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  Child& operator=(Child&&) = delete;
  ~Child() {
    if (output_ >= 0) ::close(output_);
    if (pid_ > 0) ::kill(pid_, SIGKILL), ::waitpid(pid_, nullptr, 0);
  }

  Figures finish(std::chrono::seconds time) {
    const auto begin = Clock::now();
    int status = 0;
    rusage used{};
    bool in_time = true;
    while (::wait4(pid_, &status, in_time ? WNOHANG : 0, &used) == 0) {
      if (Clock::now() - begin > time) in_time = false, ::kill(pid_, SIGKILL);
      ::usleep(50'000);
    }
    pid_ = -1;
    Figures figures{{"peak_mb", static_cast<double>(used.ru_maxrss) / 1000}};
    if (!in_time) {
      figures["outcome"] = fmt::format("not finished within {} s", time.count());
    } else if (WIFSIGNALED(status)) {
      figures["outcome"] = fmt::format("ended by signal {}", WTERMSIG(status));
    } else if (WEXITSTATUS(status) == 0) {
      figures["outcome"] = "done";
      figures["seconds"] = std::strtod(text().c_str(), nullptr);
    } else {
      figures["outcome"] = "refused: " + text();
    }
    return figures;
  }

 private:
  Child(pid_t pid, int output) : pid_(pid), output_(output) {}

  std::string text() const {
    std::array<char, kMostText> bytes{};
    const auto size = ::read(output_, bytes.data(), bytes.size());
    return {bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
  }

  pid_t pid_;
  int output_;
};

}  // namespace

Result<Figures> run_large(const Options& options) {
  keep_large_buffers();  // as a worker does
  cv::setNumThreads(1);
  const std::chrono::seconds time(options.seconds > 0 ? options.seconds : kSecondsEach);
  Figures figures{{"picture", fmt::format("{}x{} bytes", kRows, kCols)}};
  for (const TaskCase& one : task_cases()) {
    if (!options.only.empty() && options.only != one.name && options.only != one.task) continue;
    RIDE_ASSIGN(auto child, Child::start(one));
    figures[one.name] = child.finish(time);
    if (options.verbose) std::cerr << fmt::format("{}: {}\n", one.name, figures[one.name].dump());
  }
  if (figures.size() == 1)
    return Error{ErrorCode::not_found,
                 fmt::format("no task and no case of the list is named '{}': bench/task_cases*.cc", options.only)};
  return figures;
}

}  // namespace ride::bench
