// bench/run figure12: the paper's figure: unprocessed and processed frames over time while workers are added, by hand
// and by the platform. The work is slowed down to 3.4 frames of 900x900 per second and worker: `delay`, asleep for 292
// ms a frame, which with reading and writing makes 294. By hand: one worker, a second after 72 s, a third after 132 s
// of 180: a minute apart, so that 6.9 fps give the 1,144 frames that the paper's curves have at 180 s. At 30 fps, as
// its text says, too.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cstdio>
#include <thread>

#include "bench/benchmarks.h"
#include "bench/timed_job.h"
#include "chaos/figure.h"
#include "chaos/plot.h"

namespace ride::bench {

namespace {

using namespace std::chrono_literals;

constexpr double kWorkMs = 292;
constexpr double kSecondAt = 72.0 / 180, kThirdAt = 132.0 / 180;  // of the time
constexpr int kMost = 14;                                         // workers of the pool
constexpr auto kSlice = 500ms;

struct Point {
  double second = 0;
  std::int64_t unprocessed = 0, processed = 0;
};
struct Run {
  std::vector<Point> points;
  std::vector<chaos::PlotMark> sizes;
  std::int64_t twice = 0;
};

std::vector<Point> points_of(const chaos::Recorder& recorder, SystemTime begin, SystemTime end) {
  std::vector<Point> points;
  const auto captures = recorder.captures();
  const auto arrivals = recorder.arrivals_since({});
  for (auto at = begin; at <= end; at += kSlice) {
    const auto sent = std::upper_bound(captures.begin(), captures.end(), at) - captures.begin();
    const auto done =
        std::partition_point(arrivals.begin(), arrivals.end(), [&](const auto& one) { return one.arrived <= at; }) -
        arrivals.begin();
    points.push_back({seconds_between(begin, at), std::max<std::int64_t>(0, sent - done), done});
  }
  return points;
}

class ScalingRun {
 public:
  ScalingRun(TimedJob& job, std::chrono::seconds length) : job_(job), length_(length) {}

  Result<Run> play(bool by_hand) {
    if (!wait_until(20s, [&] { return !job_.recorder().captures().empty(); }))
      return Error{ErrorCode::timeout, "no frames came"};
    const auto begin = job_.recorder().captures().front();
    if (by_hand) {
      int workers = 1;
      for (const double share : {kSecondAt, kThirdAt}) {
        std::this_thread::sleep_until(begin + std::chrono::duration_cast<SystemTime::duration>(share * length_));
        RIDE_TRY(job_.scale(++workers));
      }
    }
    std::this_thread::sleep_until(begin + length_);
    if (const auto failed = job_.recorder().failed()) return *failed;
    Run run{.points = points_of(job_.recorder(), begin, begin + length_)};
    int before = 1;
    for (const auto& size : job_.sizes_since(begin)) {
      if (size.at > begin + length_) break;
      if (size.workers != before)
        run.sizes.push_back({seconds_between(begin, size.at), fmt::format("{} > {}", before, size.workers)});
      before = size.workers;
    }
    return run;
  }

 private:
  TimedJob& job_;
  std::chrono::seconds length_;
};

Result<Run> run_one(double fps, bool by_hand, std::chrono::seconds length) {
  auto job = TimedJob::start(
      {.source = fmt::format("{{ synthetic: {{ width: 900, height: 900, channels: 1 }}, fps: {}, codec: raw }}", fps),
       .group = by_hand ? "{ min: 1, max: 3 }" : fmt::format("{{ min: 1, max: {} }}", kMost),
       .partitions = 2 * kMost,
       .work_ms = kWorkMs,
       .slots = by_hand ? 3 : kMost});
  if (!job.ok()) return job.error();
  if (by_hand) RIDE_TRY((*job)->scale(1));
  RIDE_ASSIGN(auto run, ScalingRun(**job, length).play(by_hand));
  // What is unprocessed at the end of the figure stays so: the job is not drained. Nothing may have come out twice.
  RIDE_TRY((*job)->cluster().cancel(TimedJob::kJob));
  RIDE_ASSIGN(auto statement, (*job)->recorder().finish(0s));
  run.twice = statement.twice();
  return run;
}

std::string csv_of(const Run& by_hand, const Run& by_platform) {
  std::string csv =
      "second,unprocessed_by_hand,processed_by_hand,unprocessed_by_platform,processed_by_platform,size_by_hand,size_by_"
      "platform\n";
  const auto sizes = [](const Run& run, double from) {
    std::string text;
    const double to = from + std::chrono::duration<double>(kSlice).count();
    for (const auto& mark : run.sizes)
      if (mark.second >= from && mark.second < to) text += (text.empty() ? "" : "; ") + mark.label;
    return text;
  };
  for (std::size_t i = 0; i < std::min(by_hand.points.size(), by_platform.points.size()); ++i) {
    const auto &hand = by_hand.points[i], &platform = by_platform.points[i];
    csv += fmt::format("{:.1f},{},{},{},{},\"{}\",\"{}\"\n", hand.second, hand.unprocessed, hand.processed,
                       platform.unprocessed, platform.processed, sizes(by_hand, hand.second),
                       sizes(by_platform, hand.second));
  }
  return csv;
}

chaos::PlotPanel panel_of(const Run& run, const char* label) {
  chaos::PlotPanel panel{
      .label = label,
      .curves = {{"unprocessed frames", chaos::kPlotBlue, {}}, {"processed frames", chaos::kPlotGreen, {}}},
      .marks = run.sizes};
  for (const auto& point : run.points) {
    panel.curves[0].points.emplace_back(point.second, static_cast<double>(point.unprocessed));
    panel.curves[1].points.emplace_back(point.second, static_cast<double>(point.processed));
  }
  return panel;
}

Figures summary(const Run& run) {
  Figures figures;
  std::int64_t most = 0;
  for (const auto& point : run.points) most = std::max(most, point.unprocessed);
  figures["processed"] = run.points.empty() ? 0 : run.points.back().processed;
  figures["unprocessed"] = run.points.empty() ? 0 : run.points.back().unprocessed;
  figures["most_unprocessed"] = most;
  figures["duplicates"] = run.twice;
  std::string sizes;
  for (const auto& mark : run.sizes)
    sizes += fmt::format("{}{} at {:.1f} s", sizes.empty() ? "" : ", ", mark.label, mark.second);
  figures["sizes"] = sizes;
  return figures;
}

Result<Figures> run_rate(double fps, const std::string& folder, std::chrono::seconds length) {
  auto by_hand = run_one(fps, true, length);
  if (!by_hand.ok()) return Error{by_hand.error().code, "by hand: " + by_hand.error().message};
  auto by_platform = run_one(fps, false, length);
  if (!by_platform.ok()) return Error{by_platform.error().code, "by the platform: " + by_platform.error().message};
  const auto base = std::filesystem::path(folder) / fmt::format("figure12-{}fps", fps);
  const auto title = fmt::format("Workers added under load: {} frames of 900x900 a second, 3.4 per worker", fps);
  const auto picture =
      chaos::plot(title, std::chrono::duration<double>(length).count(),
                  {panel_of(*by_hand, "frames: workers by hand"), panel_of(*by_platform, "frames: by the platform")});
  RIDE_TRY(chaos::write_table(csv_of(*by_hand, *by_platform), base.string() + ".csv"));
  RIDE_TRY(chaos::write_picture(picture, base.string() + ".png"));
  fmt::print(stderr, "wrote {0}.png and {0}.csv\n", base.string());
  Figures figures;
  figures["by_hand"] = summary(*by_hand);
  figures["by_platform"] = summary(*by_platform);
  return figures;
}

}  // namespace

Result<Figures> run_figure12(const Options& options) {
  const std::chrono::seconds length(options.seconds > 0 ? options.seconds : 180);
  Figures figures;
  for (const auto& [name, fps] : {std::pair{"6.9", 6.9}, {"30", 30.0}}) {
    if (!options.only.empty() && options.only != name) continue;
    auto part = run_rate(fps, options.figure.empty() ? "." : options.figure, length);
    if (!part.ok()) return Error{part.error().code, fmt::format("{} fps: {}", name, part.error().message)};
    figures[fmt::format("fps_{}", name)] = std::move(part).value();
  }
  if (figures.empty()) return Error{ErrorCode::invalid_argument, "--only takes 30 or 6.9"};
  return figures;
}

}  // namespace ride::bench
