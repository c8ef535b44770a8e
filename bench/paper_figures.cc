// bench/run figures: how long the paper's four operations take on pictures of several sizes, by device: stddev_filter,
// surf (in builds with RIDE_SURF), matmul (the picture by its transpose) and fft, each as RIDE's own task on one
// thread. It stands for the paper's Figures 9, 10 and 11; which of the operations each of them shows is not checked
// (only the abstract could be had). On the CPU here; what a GPU takes is filled in by a GPU alone. A size that would
// take longer than the time that is left for an operation is left out, and said so.
#include <spdlog/fmt/fmt.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <opencv2/core/utility.hpp>
#include <opencv2/imgproc.hpp>

#include "bench/picture_benchmarks.h"
#include "bench/size_plot.h"
#include "chaos/figure.h"
#include "worker/tasks/task_registry.h"

namespace ride::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kNoGpu = "needs a GPU";
constexpr int kRounds = 3;
constexpr double kSecondsEach = 60;  // of an operation, all sizes together
const cv::Size kPaperLargest{24160, 25720};
constexpr int kSmallestShare = 32;  // of the paper's largest sides; then twice as many, and so on

struct Operation {
  const char* name;
  ParamValues params;
  double grows_with;  // time ~ pixels to this power: whether the next size fits into the time
};

const std::vector<Operation>& operations() {
  static const std::vector<Operation> all = {
      {"stddev_filter", {{"ksize", std::int64_t{7}}}, 1.0},
      {"surf", {{"output", std::string("data")}}, 1.0},
      {"matmul", {{"with", std::string("transpose")}}, 1.5},
      {"fft", {{"output", std::string("magnitude")}, {"depth", std::string("32f")}}, 1.05},
  };
  return all;
}

class LastPicture : public tasks::Emitter {
 public:
  void emit(Frame) override {}
  void emit(const std::string& /*port*/, Frame) override {}
  cv::Mat allocate(int rows, int cols, int type) override {
    // Reused as a worker's pool does: clearing new pages is no part of the operation.
    if (kept_.rows != rows || kept_.cols != cols || kept_.type() != type) kept_ = cv::Mat(rows, cols, type);
    return kept_;
  }
  void progress() override {}

 private:
  cv::Mat kept_;
};

// Soft areas, edges and grain, as a tissue section has them.
Frame picture_of(cv::Size size) {
  cv::RNG random(7);
  cv::Mat small(std::max(2, size.height / 64), std::max(2, size.width / 64), CV_8U), image;
  random.fill(small, cv::RNG::UNIFORM, 40, 216);
  cv::resize(small, image, size, 0, 0, cv::INTER_CUBIC);
  for (int row = 0; row < image.rows; ++row) {  // row by row: the largest has 621 MB
    cv::Mat grain(1, image.cols, CV_8U);
    random.fill(grain, cv::RNG::UNIFORM, 0, 24);
    image.row(row) += grain;
  }
  Frame frame;
  frame.id = {"bench", SessionId{1}, 0};
  frame.image = image;
  return frame;
}

std::vector<cv::Size> all_sizes() {
  std::vector<cv::Size> sizes;
  for (int share = kSmallestShare; share >= 1; share /= 2)
    sizes.emplace_back(kPaperLargest.width / share, kPaperLargest.height / share);
  return sizes;
}

struct Point {
  cv::Size size;
  double ms = 0;
};
struct Curve {
  std::string name;
  std::vector<Point> points;
  std::string left_out;  // why it ends before the largest size, or has no point
};

class Timer {
 public:
  static Result<Timer> open(const Operation& operation) {
    const auto* type = tasks::builtin_tasks().find(operation.name);
    RIDE_ASSIGN(auto params, check_task_params(type->declaration, operation.params));
    auto task = type->make();
    RIDE_TRY(task->open({.params = std::move(params), .job = "bench", .stage = operation.name, .worker = "bench"}));
    return Timer(std::move(task));
  }

  Result<double> milliseconds(const Frame& frame) {
    const auto begin = Clock::now();
    RIDE_TRY(task_->process(frame, out_));
    return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
  }

 private:
  explicit Timer(std::unique_ptr<tasks::Task> task) : task_(std::move(task)) {}
  std::unique_ptr<tasks::Task> task_;
  LastPicture out_;
};

double expected_ms(const Operation& operation, const Point& last, cv::Size size) {
  const double pixels = static_cast<double>(size.width) * size.height;
  return last.ms * std::pow(pixels / (static_cast<double>(last.size.width) * last.size.height), operation.grows_with);
}

Result<Point> point_of(Timer& timer, const Frame& frame, double seconds_left, bool first) {
  std::vector<double> times;
  if (first) RIDE_TRY(timer.milliseconds(frame));  // libraries and pages are there
  for (double spent = 0; times.empty() || (static_cast<int>(times.size()) < kRounds && spent < seconds_left * 500);) {
    RIDE_ASSIGN(const auto ms, timer.milliseconds(frame));
    times.push_back(ms);
    spent += ms;
  }
  return Point{frame.image.size(), median(times)};
}

Curve measure(const Operation& operation, const std::vector<cv::Size>& sizes, double seconds, bool verbose) {
  Curve curve{.name = operation.name};
  auto timer = Timer::open(operation);
  if (!timer.ok()) {
    curve.left_out = timer.error().message;
    return curve;
  }
  const auto begin = Clock::now();
  for (const auto& size : sizes) {
    const double left = seconds - std::chrono::duration<double>(Clock::now() - begin).count();
    if (!curve.points.empty() && expected_ms(operation, curve.points.back(), size) > left * 1000) {
      curve.left_out = fmt::format("{}x{} and larger take longer than --seconds leaves", size.width, size.height);
      break;
    }
    auto point = point_of(*timer, picture_of(size), left, curve.points.empty());
    if (!point.ok()) {
      curve.left_out = point.error().message;
      break;
    }
    if (verbose) fmt::print(stderr, "{} {}x{}: {:.1f} ms\n", operation.name, size.width, size.height, point->ms);
    curve.points.push_back(*point);
  }
  return curve;
}

std::string csv_of(const std::vector<Curve>& curves) {
  std::string csv = "operation,width,height,megapixels,cpu_ms,cpu_mpx_per_s,gpu_ms,note\n";
  for (const auto& curve : curves) {
    for (const auto& point : curve.points) {
      const double mpx = static_cast<double>(point.size.width) * point.size.height / 1e6;
      csv += fmt::format("{},{},{},{:.3f},{:.3f},{:.2f},{},\n", curve.name, point.size.width, point.size.height, mpx,
                         point.ms, mpx / point.ms * 1000, kNoGpu);
    }
    if (!curve.left_out.empty()) csv += fmt::format("{},,,,,,{},\"{}\"\n", curve.name, kNoGpu, curve.left_out);
  }
  return csv;
}

Figures summary(const Curve& curve) {
  Figures figures;
  for (const auto& point : curve.points)
    figures[fmt::format("cpu_ms_{}x{}", point.size.width, point.size.height)] = point.ms;
  figures["gpu_ms"] = kNoGpu;
  if (!curve.left_out.empty()) figures["left_out"] = curve.left_out;
  return figures;
}

std::vector<SizeCurve> drawn(const std::vector<Curve>& curves) {
  std::vector<SizeCurve> all;
  for (const auto& curve : curves) {
    SizeCurve one{.label = curve.name + " (CPU, one thread)", .points = {}};
    for (const auto& point : curve.points)
      one.points.emplace_back(static_cast<double>(point.size.width) * point.size.height / 1e6, point.ms);
    if (!one.points.empty()) all.push_back(std::move(one));
  }
  return all;
}

}  // namespace

Result<Figures> run_figures(const Options& options) {
  cv::setNumThreads(1);
  const auto sizes = all_sizes();
  const double seconds = options.seconds > 0 ? options.seconds : kSecondsEach;
  std::vector<Curve> curves;
  for (const auto& operation : operations())
    if (options.only.empty() || options.only == operation.name)
      curves.push_back(measure(operation, sizes, seconds, options.verbose));
  if (curves.empty()) return Error{ErrorCode::invalid_argument, "--only takes stddev_filter, surf, matmul or fft"};
  const auto base = std::filesystem::path(options.figure.empty() ? "." : options.figure) / "figures9-11";
  RIDE_TRY(chaos::write_table(csv_of(curves), base.string() + ".csv"));
  RIDE_TRY(chaos::write_picture(plot_sizes("The paper's operations by size of the picture", kNoGpu, drawn(curves)),
                                base.string() + ".png"));
  fmt::print(stderr, "wrote {0}.png and {0}.csv\n", base.string());
  Figures figures;
  for (const auto& curve : curves) figures[curve.name] = summary(curve);
  return figures;
}

}  // namespace ride::bench
