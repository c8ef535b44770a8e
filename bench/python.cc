// bench/run python: what a Python process beside the worker costs: a class that passes the frame on, one that copies it
// into its output, and the built-in `identity`, in turns on 900x900 bytes, in one process; once the paper's largest
// frame, 24160x25720 bytes; and both classes of task at 30 frames a second through a real broker.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <opencv2/core.hpp>
#include <opencv2/core/utility.hpp>

#include "bench/latency.h"
#include "bench/measure_task.h"
#include "bench/picture_benchmarks.h"
#include "common/large_buffers.h"
#include "process/temp_folder.h"

namespace ride::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRounds = 2000, kStreamFrames = 900, kSide = 900, kRows = 24160, kCols = 25720;

constexpr const char* kPass =
    "class Pass:\n"
    "    def process(self, frame, out):\n"
    "        out.emit(frame)\n";
constexpr const char* kCopy =
    "class Copy:\n"
    "    def process(self, frame, out):\n"
    "        result = out.allocate(frame.image.shape, frame.image.dtype)\n"
    "        result[...] = frame.image\n"
    "        out.emit(result)\n";

class Folder {
 public:
  static Result<Folder> make() {
    RIDE_ASSIGN(auto path, process::make_temp_folder("ride-bench-python"));
    return Folder(std::move(path));
  }
  Folder(Folder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  Folder& operator=(Folder&&) = delete;
  ~Folder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }

  std::string file(const std::string& name, const char* text) const {
    auto file = path_ / (name + ".py");
    std::ofstream(file) << text;
    return file.string();
  }
  TaskCase task(const std::string& name, const char* text) const {
    return {.name = name, .task = "python", .params = {{"file", file(name, text)}, {"timeout", 600.0}}};
  }

 private:
  explicit Folder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

struct Times {
  std::vector<double> all;  // microseconds
  double at(double share) {
    std::sort(all.begin(), all.end());
    return all[static_cast<std::size_t>(share * static_cast<double>(all.size() - 1))];
  }
};

Result<double> time_of(OpenedTask& task) {
  const auto begin = Clock::now();
  RIDE_TRY(task.process());
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

Result<Figures> in_process(const Options& options) {
  keep_large_buffers();  // as a worker does
  cv::setNumThreads(1);
  RIDE_ASSIGN(const auto folder, Folder::make());
  const auto pass = folder.task("pass", kPass), copy = folder.task("copy", kCopy);
  const TaskCase identity{.name = "identity", .task = "identity"};
  const cv::Mat picture = sample_picture(kSide, CV_8UC1);
  std::vector<std::unique_ptr<OpenedTask>> tasks;
  for (const TaskCase* one : {&identity, &pass, &copy}) {
    RIDE_ASSIGN(auto task, OpenedTask::open(*one, picture));
    RIDE_TRY(task->process());
    tasks.push_back(std::move(task));
  }
  std::vector<Times> times(tasks.size());
  const int rounds = options.frames > 0 ? options.frames : kRounds;
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      RIDE_ASSIGN(const auto time, time_of(*tasks[i]));
      times[i].all.push_back(time);
    }
  }
  if (cv::norm(tasks[2]->result(), picture, cv::NORM_INF) != 0)
    return Error{ErrorCode::internal, "what came back is another picture"};
  const double builtin = times[0].at(0.5), passed = times[1].at(0.5), copied = times[2].at(0.5);
  Figures figures{{"picture", fmt::format("{}x{} bytes", kSide, kSide)},
                  {"cpp_noop_us", builtin},
                  {"noop_us", passed},
                  {"noop_p99_us", times[1].at(0.99)},
                  {"over_us", passed - builtin},
                  {"copy_us", copied},
                  {"copy_p99_us", times[2].at(0.99)},
                  {"fps", 1e6 / passed},
                  {"copies", 1},  // into the child's memory; the input goes on as it came
                  {"copies_with_output", 2}};
  tasks.clear();
  RIDE_ASSIGN(const auto large, OpenedTask::open(copy, cv::Mat(kRows, kCols, CV_8UC1, cv::Scalar(7))));
  RIDE_ASSIGN(const auto first, time_of(*large));
  RIDE_ASSIGN(const auto next, time_of(*large));
  figures["large_first_s"] = first / 1e6;  // its memory is made
  figures["large_s"] = next / 1e6;
  return figures;
}

// From the capture to the arrival at a consumer; the same with a task that is built in.
Result<Figures> end_to_end(const Options& options) {
  RIDE_ASSIGN(const auto folder, Folder::make());
  const int frames = options.frames > 0 ? options.frames : kStreamFrames;
  Figures figures;
  const std::pair<const char*, std::string> tasks[] = {
      {"copy", "task: python\n    params: { file: \"node:" + folder.file("copy", kCopy) + "\" }\n"},
      {"builtin", "task: flip\n"}};
  for (const auto& [name, task] : tasks) {
    RIDE_ASSIGN(const auto stream, stream_latency(task, frames, options.verbose));
    for (const char* figure : {"sent", "received", "duplicates", "p50_ms", "p99_ms", "later_p99_ms"})
      if (stream.contains(figure)) figures[fmt::format("stream_{}_{}", name, figure)] = stream.at(figure);
  }
  return figures;
}

}  // namespace

Result<Figures> run_python(const Options& options) {
  Figures figures = Figures::object();
  if (options.only != "stream") {
    RIDE_ASSIGN(figures, in_process(options));
  }
  if (options.only != "task") {
    RIDE_ASSIGN(const auto stream, end_to_end(options));
    figures.update(stream);
  }
  return figures;
}

}  // namespace ride::bench
