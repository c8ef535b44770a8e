// bench/run batch: a folder of pictures, and some files that are broken, each blurred with a 61x61 Gaussian and
// written: one process with one OpenCV thread, one after the other; `ride run` with a worker a core; Dask's
// LocalCluster with a process a core. All three in turns, several trials, on the same files (batch_trial.h says what is
// measured).
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <opencv2/core/utility.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <optional>
#include <sstream>
#include <thread>

#include "bench/batch_trial.h"
#include "bench/picture_benchmarks.h"
#include "common/file_text.h"
#include "process/child_process.h"
#include "process/temp_folder.h"

namespace ride::bench {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Trials = std::vector<Trial>;

constexpr int kPictures = 160, kTrials = 3, kKsize = 61, kQuality = 90;
const cv::Size kSize{2000, 1500};
constexpr int kLargestSide = 30'000;
// Of the seed's own table: its largest number of cores.
constexpr double kSeedSpeedup = 4.52;
constexpr int kSeedCores = 8;

// "2000x1500".
Result<cv::Size> size_of(const std::string& text) {
  if (text.empty()) return kSize;
  cv::Size size;
  const char *at = text.data(), *end = at + text.size();
  auto read = std::from_chars(at, end, size.width);
  bool fits = read.ec == std::errc() && read.ptr != end && *read.ptr == 'x';
  if (fits) read = std::from_chars(read.ptr + 1, end, size.height);
  fits = fits && read.ec == std::errc() && read.ptr == end && std::min(size.width, size.height) >= 40 &&
         std::max(size.width, size.height) <= kLargestSide;
  if (!fits)
    return Error{ErrorCode::invalid_argument,
                 fmt::format("--size '{}': write WIDTHxHEIGHT, each 40 to {}: 2000x1500", text, kLargestSide)};
  return size;
}

// Like a photo: soft areas, edges and grain.
void make_pictures(const Batch& batch, cv::Size size) {
  for (int i = 0; i < batch.pictures; ++i) {
    cv::RNG random(static_cast<std::uint64_t>(i) + 1);
    cv::Mat small(size.height / 40, size.width / 40, CV_8UC3), image, grain(size, CV_8UC3);
    random.fill(small, cv::RNG::UNIFORM, 0, 256);
    cv::resize(small, image, size, 0, 0, cv::INTER_CUBIC);
    for (int shape = 0; shape < 30; ++shape)
      cv::circle(image, {random.uniform(0, size.width), random.uniform(0, size.height)},
                 random.uniform(5, size.height / 6), cv::Scalar(random(256), random(256), random(256)), cv::FILLED);
    random.fill(grain, cv::RNG::NORMAL, 8, 6);
    image += grain;
    cv::imwrite((batch.in() / fmt::format("p{:04}.jpg", i)).string(), image, {cv::IMWRITE_JPEG_QUALITY, kQuality});
  }
}

// What every folder of some thousand pictures has: an empty file, a text under a picture's name, and a picture of which
// only the head was copied.
void make_broken_files(Batch& batch) {
  const auto head = file_text(batch.in() / "p0000.jpg").substr(0, 100);
  for (const auto& [name, text] : {std::pair<const char*, std::string>{"p0003-empty.jpg", ""},
                                   {"p0005-text.jpg", "<html>404 Not Found</html>\n"},
                                   {"p0007-head.jpg", head}}) {
    std::ofstream(batch.in() / name, std::ios::binary) << text;
    batch.broken.push_back(name);
  }
}

// The clock of the cores now, on average; nothing: the kernel does not say it (virtual machines).
std::optional<double> clock_mhz() {
  std::istringstream lines(file_text("/proc/cpuinfo"));
  double sum = 0;
  int cores = 0;
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("cpu MHz")) {
      sum += std::strtod(line.c_str() + line.find(':') + 1, nullptr);
      ++cores;
    }
  return cores > 0 && sum > 0 ? std::optional(sum / cores) : std::nullopt;
}
Figures clock_figure() {
  const auto mhz = clock_mhz();
  return mhz ? Figures(*mhz) : Figures("the kernel does not say");
}

// The share of the work that more workers make faster, by Amdahl's law: 1 / ((1 - p) + p / workers) solved for p; at
// most 1, since more than that has another cause than the number of workers.
double amdahl_share(double speedup, int workers) {
  if (workers < 2 || speedup <= 0) return 0;
  return std::min(1.0, (1 - 1 / speedup) / (1 - 1.0 / workers));
}

fs::path program(const char* name) { return fs::read_symlink("/proc/self/exe").parent_path() / name; }

void write_topology(const Batch& batch) {
  std::ofstream(batch.folder / "batch.yaml") << fmt::format(
      "ride: v1\nname: batch\nsources:\n  photos: {{ directory: in, fps: max }}\nstages:\n"
      "  - {{ name: blur, from: [photos], topic: {{ partitions: {1} }}, task: gaussian_blur, params: {{ ksize: {2} "
      "}},\n"
      "      codec: \"jpeg:{3}\", group: {{ min: {0}, max: {0} }} }}\n"
      "sinks:\n  - {{ name: album, from: [blur], task: write_images, params: {{ path: \"out/{{file}}\" }} }}\n",
      batch.cores, 4 * batch.cores, kKsize, kQuality);
}

struct Way {
  const char* name;
  std::vector<std::string> arguments;
  Trials trials;
};

std::vector<Way> ways_of(const Batch& batch, bool dask) {
  const auto in = batch.in().string(), out = batch.out().string();
  const auto ksize = std::to_string(kKsize), quality = std::to_string(kQuality);
  std::vector<Way> ways = {
      {"sequential", {program("ride-bench-blur"), in, out, ksize, quality}, {}},
      {"own_blur", {program("ride-bench-blur"), in, out, ksize, quality, "task"}, {}},
      {"ride", {program("ride"), "run", "batch.yaml", "--json", "--slots", std::to_string(batch.cores + 1)}, {}}};
  if (dask)
    ways.push_back({"dask",
                    {"/usr/bin/python3", std::string(RIDE_SOURCE_DIR) + "/bench/batch_dask.py", in, out,
                     std::to_string(batch.cores), ksize, quality},
                    {}});
  return ways;
}

bool dask_is_there(const Batch& batch) {
  const auto child = process::ChildProcess::start(
      {.arguments = {"/usr/bin/python3", std::string(RIDE_SOURCE_DIR) + "/bench/batch_dask.py", "--check"},
       .environment = {},
       .working_folder = batch.folder,
       .output = batch.folder / "dask.txt"});
  return child.ok() && (*child)->wait_until_ended(2min) && (*child)->exit_code() == 0;
}

double middle(const Trials& trials, double Trial::*value) {
  std::vector<double> values;
  for (const auto& trial : trials) values.push_back(trial.*value);
  return median(values);
}

Figures summary(const Trials& trials) {
  Figures figures;
  for (const auto& [name, value] : {std::pair{"seconds", &Trial::seconds},
                                    {"whole", &Trial::whole},
                                    {"cpu", &Trial::cpu},
                                    {"cpu_whole", &Trial::cpu_whole}}) {
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
Result<double> largest_difference(const Batch& batch, const fs::path& reference) {
  double largest = 0;
  for (const auto& entry : fs::directory_iterator(reference)) {
    const auto a = cv::imread(entry.path().string()), b = cv::imread((batch.out() / entry.path().filename()).string());
    if (a.empty() || a.size() != b.size())
      return Error{ErrorCode::internal, entry.path().filename().string() + " is not the picture it should be"};
    largest = std::max(largest, cv::norm(a, b, cv::NORM_L1) / static_cast<double>(a.total() * 3));
  }
  return largest;
}

// Every way beside the sequential loop: wall time with and without what starting and ending takes, and CPU time, which
// says what the work costs where others load the machine.
Figures compared(const Trials& of, const Trials& sequential, int cores) {
  const double alone = middle(sequential, &Trial::seconds);
  const double speedup = alone / middle(of, &Trial::seconds), with_start = alone / middle(of, &Trial::whole);
  return {{"speedup", speedup},
          {"efficiency", speedup / cores},
          {"speedup_with_start", with_start},
          {"efficiency_with_start", with_start / cores},
          {"amdahl_p", amdahl_share(speedup, cores)},
          {"cpu_efficiency", middle(sequential, &Trial::cpu) / middle(of, &Trial::cpu)}};
}

Figures cpu_by_program(const Trials& trials) {
  std::map<std::string, std::vector<double>> all;
  for (const auto& trial : trials)
    for (const auto& [name, cpu] : trial.cpu_by_program) all[name].push_back(cpu);
  Figures figures;
  for (const auto& [name, cpu] : all) figures[name] = median(cpu);
  return figures;
}

Figures compared(const std::vector<Way>& ways, const Batch& batch) {
  const auto of = [&](const std::string& name) -> const Trials* {
    for (const auto& way : ways)
      if (name == way.name) return &way.trials;
    return nullptr;
  };
  const auto &sequential = *of("sequential"), &ride = *of("ride");
  auto figures = compared(ride, sequential, batch.cores);
  // Beside a loop with the same blur: what the platform alone does.
  figures["efficiency_own_blur"] = compared(ride, *of("own_blur"), batch.cores)["efficiency"];
  if (const auto* dask = of("dask")) {
    figures["ride_to_dask"] = middle(*dask, &Trial::seconds) / middle(ride, &Trial::seconds);
    figures["compared.dask"] = compared(*dask, sequential, batch.cores);
  } else {
    figures["compared.dask"] = "not measured: scripts/install-deps --bench (python3-distributed, python3-opencv)";
  }
  figures["compared.seed"] = {
      {"speedup", kSeedSpeedup}, {"cores", kSeedCores}, {"efficiency", kSeedSpeedup / kSeedCores}};
  figures["ride_cpu_of"] = cpu_by_program(ride);
  return figures;
}

Result<Figures> measure(const Batch& batch, const Options& options) {
  auto ways = ways_of(batch, dask_is_there(batch));
  write_topology(batch);
  const int trials = options.runs > 0 ? options.runs : kTrials;
  double difference = 0;
  const auto clock_before = clock_figure();
  for (int trial = 0; trial < trials; ++trial) {
    for (std::size_t turn = 0; turn < ways.size(); ++turn) {
      auto& way = ways[(turn + static_cast<std::size_t>(trial)) % ways.size()];
      RIDE_ASSIGN(const auto took, run_trial(batch, way.arguments));
      way.trials.push_back(took);
      if (options.verbose)
        fmt::print(stderr, "{} {}: {:.2f} s, whole {:.2f} s, cpu {:.2f} s\n", trial, way.name, took.seconds, took.whole,
                   took.cpu);
      if (trial > 0) continue;
      if (turn == 0) fs::copy(batch.out(), batch.folder / "reference", fs::copy_options::recursive);
      RIDE_ASSIGN(const auto found, largest_difference(batch, batch.folder / "reference"));
      difference = std::max(difference, found);
    }
  }
  auto figures = compared(ways, batch);
  figures["clock_mhz_before"] = clock_before;
  figures["clock_mhz_after"] = clock_figure();
  figures["pictures"] = batch.pictures;
  figures["broken_files"] = batch.broken.size();
  figures["cores"] = batch.cores;
  figures["mean_difference"] = difference;
  for (const auto& way : ways) figures[way.name] = summary(way.trials);
  return figures;
}

}  // namespace

Result<Figures> run_batch(const Options& options) {
  RIDE_ASSIGN(const auto size, size_of(options.size));
  RIDE_ASSIGN(const auto folder, process::make_temp_folder("ride-batch"));
  Batch batch{.folder = folder,
              .pictures = options.frames > 0 ? options.frames : kPictures,
              .cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()))};
  fs::create_directories(batch.in());
  make_pictures(batch, size);
  make_broken_files(batch);
  auto figures = measure(batch, options);
  std::error_code ignored;
  fs::remove_all(folder, ignored);
  if (figures.ok())
    (*figures)["picture"] = fmt::format("{}x{} JPEG {}, {}x{} blur", size.width, size.height, kQuality, kKsize, kKsize);
  return figures;
}

}  // namespace ride::bench
