// bench/run batch: a folder of pictures, each blurred with a 61x61 Gaussian and written: one process with one OpenCV
// thread, one after the other; `ride run` with a worker a core; Dask's LocalCluster with a process a core. All three in
// turns, several trials, on the same files. `seconds`: from the first picture that is read to the last file that is in
// its place; `whole`: with start and end of everything; `cpu`: user and system time of all processes.
#include <poll.h>
#include <spdlog/fmt/fmt.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <opencv2/core/utility.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <optional>
#include <thread>

#include "bench/picture_benchmarks.h"
#include "common/file_text.h"
#include "process/child_process.h"
#include "process/temp_folder.h"

namespace ride::bench {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr int kPictures = 160, kTrials = 3, kKsize = 61, kQuality = 90;
const cv::Size kSize{2000, 1500};
constexpr auto kLongest = 30min;  // of one trial
constexpr double kSeedSpeedup = 4.52;
constexpr int kSeedCores = 8;

struct Setup {
  fs::path folder;
  int pictures = kPictures, cores = 1;
  fs::path in() const { return folder / "in"; }
  fs::path out() const { return folder / "out"; }
};

struct Trial {
  double seconds = 0, whole = 0, cpu = 0;
};
using Trials = std::vector<Trial>;

// Like a photo: soft areas, edges and grain.
void make_pictures(const Setup& setup) {
  const auto size = kSize;
  for (int i = 0; i < setup.pictures; ++i) {
    cv::RNG random(static_cast<std::uint64_t>(i) + 1);
    cv::Mat small(size.height / 40, size.width / 40, CV_8UC3), image, grain(size, CV_8UC3);
    random.fill(small, cv::RNG::UNIFORM, 0, 256);
    cv::resize(small, image, size, 0, 0, cv::INTER_CUBIC);
    for (int shape = 0; shape < 30; ++shape)
      cv::circle(image, {random.uniform(0, size.width), random.uniform(0, size.height)},
                 random.uniform(5, size.height / 6), cv::Scalar(random(256), random(256), random(256)), cv::FILLED);
    random.fill(grain, cv::RNG::NORMAL, 8, 6);
    image += grain;
    cv::imwrite((setup.in() / fmt::format("p{:04}.jpg", i)).string(), image, {cv::IMWRITE_JPEG_QUALITY, kQuality});
  }
}

// The share of the work that more workers make faster, by Amdahl's law: 1 / ((1 - p) + p / workers) solved for p; at
// most 1, since more than that has another cause than the number of workers.
double amdahl_share(double speedup, int workers) {
  if (workers < 2 || speedup <= 0) return 0;
  return std::min(1.0, (1 - 1 / speedup) / (1 - 1.0 / workers));
}

double cpu_of_ended_children() {
  rusage usage{};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// When the first picture was opened, and when the last file came into its place, as the kernel says it: nobody's own
// account of itself.
class FolderWatch {
 public:
  explicit FolderWatch(const Setup& setup) : events_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    in_ = ::inotify_add_watch(events_, setup.in().c_str(), IN_OPEN);
    out_ = ::inotify_add_watch(events_, setup.out().c_str(), IN_MOVED_TO | IN_CLOSE_WRITE);
    thread_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
  }
  ~FolderWatch() {
    thread_.request_stop();
    thread_.join();
    ::close(events_);
  }
  FolderWatch(const FolderWatch&) = delete;
  FolderWatch& operator=(const FolderWatch&) = delete;

  // After everything has ended.
  std::optional<double> seconds() {
    thread_.request_stop();
    thread_.join();
    thread_ = std::jthread([] {});
    if (!first_ || !last_) return std::nullopt;
    return std::chrono::duration<double>(*last_ - *first_).count();
  }

 private:
  void watch(const std::stop_token& stop) {
    alignas(inotify_event) std::array<char, std::size_t{64} * 1024> buffer;
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
    }
  }
  void see(const inotify_event& event, Clock::time_point now) {
    if ((event.mask & IN_ISDIR) != 0 || event.len == 0 || event.name[0] == '.') return;
    if (event.wd == in_ && !first_) first_ = now;
    if (event.wd == out_) last_ = now;
  }

  const int events_;
  int in_ = -1, out_ = -1;
  std::optional<Clock::time_point> first_, last_;  // the thread's, until it has ended
  std::jthread thread_;
};

Result<Trial> run_program(const Setup& setup, const std::vector<std::string>& arguments) {
  std::error_code failed;
  fs::remove_all(setup.out(), failed);
  fs::create_directories(setup.out(), failed);
  ::sync();  // nobody pays for what another one has written
  const auto log = setup.folder / "log.txt";
  FolderWatch watch(setup);
  const double cpu_before = cpu_of_ended_children();
  const auto begin = Clock::now();
  RIDE_ASSIGN(auto child,
              process::ChildProcess::start(
                  {.arguments = arguments, .environment = {}, .working_folder = setup.folder, .output = log}));
  if (!child->wait_until_ended(kLongest)) return Error{ErrorCode::timeout, arguments[0] + " does not end"};
  Trial trial{.whole = std::chrono::duration<double>(Clock::now() - begin).count(),
              .cpu = cpu_of_ended_children() - cpu_before};
  const auto seconds = watch.seconds();
  const auto files = std::count_if(fs::directory_iterator(setup.out()), fs::directory_iterator(),
                                   [](const auto& one) { return !one.path().filename().string().starts_with('.'); });
  if (child->exit_code() != 0 || files != setup.pictures || !seconds)
    return Error{ErrorCode::internal,
                 fmt::format("{} gave {} of {} files and ended with code {}:\n{}", arguments[0], files, setup.pictures,
                             child->exit_code().value_or(-1), file_text(log))};
  trial.seconds = *seconds;
  return trial;
}

fs::path program(const char* name) { return fs::read_symlink("/proc/self/exe").parent_path() / name; }

void write_topology(const Setup& setup) {
  std::ofstream(setup.folder / "batch.yaml") << fmt::format(
      "ride: v1\nname: batch\nsources:\n  photos: {{ directory: in, fps: max }}\nstages:\n"
      "  - {{ name: blur, from: [photos], topic: {{ partitions: {1} }}, task: gaussian_blur, params: {{ ksize: {2} "
      "}},\n"
      "      codec: \"jpeg:{3}\", group: {{ min: {0}, max: {0} }} }}\n"
      "sinks:\n  - {{ name: album, from: [blur], task: write_images, params: {{ path: \"out/{{file}}\" }} }}\n",
      setup.cores, 4 * setup.cores, kKsize, kQuality);
}

struct Way {
  const char* name;
  std::vector<std::string> arguments;
  Trials trials;
};

std::vector<Way> ways_of(const Setup& setup, bool dask) {
  const auto in = setup.in().string(), out = setup.out().string();
  const auto ksize = std::to_string(kKsize), quality = std::to_string(kQuality);
  std::vector<Way> ways = {
      {"sequential", {program("ride-bench-blur"), in, out, ksize, quality}, {}},
      {"own_blur", {program("ride-bench-blur"), in, out, ksize, quality, "task"}, {}},
      {"ride", {program("ride"), "run", "batch.yaml", "--slots", std::to_string(setup.cores + 1)}, {}}};
  if (dask)
    ways.push_back({"dask",
                    {"/usr/bin/python3", std::string(RIDE_SOURCE_DIR) + "/bench/batch_dask.py", in, out,
                     std::to_string(setup.cores), ksize, quality},
                    {}});
  return ways;
}

bool dask_is_there(const Setup& setup) {
  const auto child = process::ChildProcess::start(
      {.arguments = {"/usr/bin/python3", std::string(RIDE_SOURCE_DIR) + "/bench/batch_dask.py", "--check"},
       .environment = {},
       .working_folder = setup.folder,
       .output = setup.folder / "dask.txt"});
  return child.ok() && (*child)->wait_until_ended(2min) && (*child)->exit_code() == 0;
}

double middle(const Trials& trials, double Trial::*value) {
  std::vector<double> values;
  for (const auto& trial : trials) values.push_back(trial.*value);
  return median(values);
}

Figures summary(const Trials& trials) {
  Figures figures;
  for (const auto& [name, value] :
       {std::pair{"seconds", &Trial::seconds}, {"whole", &Trial::whole}, {"cpu", &Trial::cpu}}) {
    double least = trials.front().*value, most = least;
    for (const auto& trial : trials) {
      least = std::min(least, trial.*value);
      most = std::max(most, trial.*value);
    }
    figures[std::string(name) + "_median"] = middle(trials, value);
    figures[std::string(name) + "_min"] = least;
    figures[std::string(name) + "_max"] = most;
  }
  return figures;
}

// The largest mean difference of a picture: JPEG and another order of the sums alone.
Result<double> largest_difference(const Setup& setup, const fs::path& reference) {
  double largest = 0;
  for (const auto& entry : fs::directory_iterator(reference)) {
    const auto a = cv::imread(entry.path().string()), b = cv::imread((setup.out() / entry.path().filename()).string());
    if (a.empty() || a.size() != b.size())
      return Error{ErrorCode::internal, entry.path().filename().string() + " is not the picture it should be"};
    largest = std::max(largest, cv::norm(a, b, cv::NORM_L1) / static_cast<double>(a.total() * 3));
  }
  return largest;
}

Figures compared(const std::vector<Way>& ways, const Setup& setup) {
  const auto of = [&](const std::string& name) -> const Trials* {
    for (const auto& way : ways)
      if (name == way.name) return &way.trials;
    return nullptr;
  };
  Figures figures;
  const double sequential = middle(*of("sequential"), &Trial::seconds), own = middle(*of("own_blur"), &Trial::seconds);
  const double ours = middle(*of("ride"), &Trial::seconds), whole = middle(*of("ride"), &Trial::whole);
  const double cores = setup.cores;
  figures["sequential_s"] = sequential;
  figures["ride_s"] = ours;
  figures["dask_s"] = of("dask")
                          ? Figures(middle(*of("dask"), &Trial::seconds))
                          : Figures("not measured: scripts/install-deps --bench (python3-distributed, python3-opencv)");
  figures["speedup"] = sequential / ours;
  figures["efficiency"] = sequential / ours / cores;
  figures["amdahl_p"] = amdahl_share(sequential / ours, setup.cores);
  figures["speedup_with_start"] = sequential / whole;
  // Beside a loop with the same blur: what the platform alone does.
  figures["speedup_own_blur"] = own / ours;
  figures["efficiency_own_blur"] = own / ours / cores;
  if (of("dask")) {
    const double dask = middle(*of("dask"), &Trial::seconds);
    figures["dask_speedup"] = sequential / dask;
    figures["dask_efficiency"] = sequential / dask / cores;
    figures["ride_to_dask"] = dask / ours;
  }
  figures["seed_speedup"] = kSeedSpeedup;
  figures["seed_cores"] = kSeedCores;
  figures["seed_efficiency"] = kSeedSpeedup / kSeedCores;
  return figures;
}

Result<Figures> measure(Setup& setup, const Options& options) {
  const bool dask = dask_is_there(setup);
  auto ways = ways_of(setup, dask);
  write_topology(setup);
  const int trials = options.runs > 0 ? options.runs : kTrials;
  double difference = 0;
  for (int trial = 0; trial < trials; ++trial) {
    for (std::size_t turn = 0; turn < ways.size(); ++turn) {
      auto& way = ways[(turn + static_cast<std::size_t>(trial)) % ways.size()];
      RIDE_ASSIGN(const auto took, run_program(setup, way.arguments));
      way.trials.push_back(took);
      if (options.verbose)
        fmt::print(stderr, "{} {}: {:.2f} s, whole {:.2f} s, cpu {:.2f} s\n", trial, way.name, took.seconds, took.whole,
                   took.cpu);
      if (trial > 0) continue;
      if (turn == 0) fs::copy(setup.out(), setup.folder / "reference", fs::copy_options::recursive);
      RIDE_ASSIGN(const auto found, largest_difference(setup, setup.folder / "reference"));
      difference = std::max(difference, found);
    }
  }
  auto figures = compared(ways, setup);
  figures["pictures"] = setup.pictures;
  figures["cores"] = setup.cores;
  figures["mean_difference"] = difference;
  for (const auto& way : ways) figures[way.name] = summary(way.trials);
  return figures;
}

}  // namespace

Result<Figures> run_batch(const Options& options) {
  RIDE_ASSIGN(const auto folder, process::make_temp_folder("ride-batch"));
  Setup setup{.folder = folder,
              .pictures = options.frames > 0 ? options.frames : kPictures,
              .cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()))};
  fs::create_directories(setup.in());
  make_pictures(setup);
  auto figures = measure(setup, options);
  std::error_code ignored;
  fs::remove_all(folder, ignored);
  if (figures.ok())
    (*figures)["picture"] =
        fmt::format("{}x{} JPEG {}, {}x{} blur", kSize.width, kSize.height, kQuality, kKsize, kKsize);
  return figures;
}

}  // namespace ride::bench
