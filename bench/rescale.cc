// bench/run rescale: a group that follows its frame rate. "step": a source goes from 5 to 30 frames of 900x900 a second
// and back; one worker carries 11.9 (84 ms a frame, asleep). "moves": the group is set to 3 and back to 2 by hand at a
// rate that two carry, again and again: what frames of the partitions that move notice, and those of the others.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <thread>

#include "bench/benchmarks.h"
#include "bench/frame_feed.h"
#include "bench/timed_job.h"

namespace ride::bench {

namespace {

using namespace std::chrono_literals;
using chaos::Arrival;

constexpr double kLow = 5, kHigh = 30, kWorkMs = 84;
constexpr auto kCalm = 5s;           // of the group; what it must have been calm for before a worker goes
constexpr double kFull = 28.0 / 30;  // two frames of a second's thirty may be on either side of its edges
constexpr auto kFullFor = 5s;
constexpr const char* kFeed = "rescale-feed";

// From when on each whole second brought as many frames as went in, for five of them; nothing: not seen yet.
std::optional<SystemTime> full_rate_since(const std::vector<Arrival>& arrivals, SystemTime step, double fps) {
  const auto now = system_now();
  std::optional<SystemTime> since;
  for (auto at = step; at + 1s <= now; at += 50ms) {
    if (rate_between(arrivals, at, at + 1s) < kFull * fps)
      since.reset();
    else if (!since)
      since = at;
    if (since && at + 1s - *since >= kFullFor) return since;
  }
  return std::nullopt;
}

class Step {
 public:
  explicit Step(bool verbose) : verbose_(verbose) {}

  Result<Figures> run() {
    RIDE_TRY(begin());
    RIDE_TRY(go_up());
    RIDE_TRY(go_down());
    RIDE_TRY(feed_->stop());
    const auto fed = feed_->frames();
    if (!wait_until(30s, [&] { return static_cast<std::int64_t>(job_->recorder().arrivals_since({}).size()) >= fed; }))
      std::fprintf(stderr, "rescale: %zu of %ld frames came out\n", job_->recorder().arrivals_since({}).size(),
                   static_cast<long>(fed));
    RIDE_ASSIGN(auto statement, job_->finish());
    if (verbose_ || !statement.clean()) fmt::print(stderr, "{}", ledger::to_text(statement));
    figures_["fed"] = fed;
    figures_["lost"] = fed - statement.sent + statement.open();
    figures_["duplicates"] = statement.twice();
    figures_["redelivered"] = statement.redelivered();
    return figures_;
  }

 private:
  Result<void> begin() {
    RIDE_ASSIGN(auto cluster, cluster_with_agent(6));
    RIDE_ASSIGN(auto feed, FrameFeed::start(cluster->kafka(), kFeed));
    feed_ = std::move(feed);
    auto job = TimedJob::start_on(
        std::move(cluster), {.source = fmt::format("{{ topic: {}, format: raw, shape: 900x900x1, codec: raw }}", kFeed),
                             .group = fmt::format("{{ min: 1, max: 6, calm: {}s }}", kCalm.count()),
                             .partitions = 12,
                             .work_ms = kWorkMs,
                             .slots = 6});
    if (!job.ok()) return job.error();
    job_ = std::move(job).value();
    feed_->set_rate(kLow);
    if (!wait_until(30s, [&] { return job_->recorder().arrivals_since({}).size() > 2 * kLow; }))
      return Error{ErrorCode::timeout, "no frames came"};
    std::this_thread::sleep_for(8s);  // what one worker is measured at, and longer than the calm
    return job_->wait_for_owners(1, 30s);
  }

  Result<void> go_up() {
    const auto step = feed_->set_rate(kHigh);
    std::optional<SystemTime> full;
    const bool reached = wait_until(60s, [&] {
      full = full_rate_since(job_->recorder().arrivals_since(step), step, kHigh);
      return full.has_value() || job_->recorder().failed() || feed_->failed();
    });
    if (const auto failed = job_->recorder().failed()) return *failed;
    if (const auto failed = feed_->failed()) return *failed;
    const auto sizes = job_->sizes_since(step);
    show("up", step, sizes);
    show_rates(step);
    if (sizes.empty()) return Error{ErrorCode::timeout, "the group was not made larger"};
    if (!reached) return Error{ErrorCode::timeout, "the output did not reach the input's rate within 60 s"};
    figures_["decision_ms"] = ms_between(step, sizes.front().at);
    figures_["full_rate_ms"] = ms_between(step, *full);
    figures_["workers_high"] = sizes.back().workers;
    std::this_thread::sleep_for(10s);  // no further change is wanted now
    figures_["changes_up"] = job_->sizes_since(step).size();
    return {};
  }

  Result<void> go_down() {
    const auto step = feed_->set_rate(kLow);
    const auto before = job_->recorder().owners().size();
    const bool shrunk = wait_until(60s, [&] { return job_->recorder().owners().size() == 1; });
    const auto sizes = job_->sizes_since(step);
    show("down", step, sizes);
    if (sizes.empty() || !shrunk)
      return Error{ErrorCode::timeout, fmt::format("60 s after the step down {} of {} workers were still there",
                                                   job_->recorder().owners().size(), before)};
    figures_["calm_s"] = kCalm.count();
    figures_["first_in_ms"] = ms_between(step, sizes.front().at);
    figures_["all_in_ms"] = ms_between(step, system_now());
    return {};
  }

  void show(const char* what, SystemTime step, const std::vector<SizeChange>& sizes) const {
    if (!verbose_) return;
    for (const auto& size : sizes)
      fmt::print(stderr, "{} {:6.0f} ms: {}\n", what, ms_between(step, size.at), size.reason);
  }

  void show_rates(SystemTime step) const {
    if (!verbose_) return;
    const auto arrivals = job_->recorder().arrivals_since(step);
    fmt::print(stderr, "frames in each second after the step:");
    for (auto at = step; at + 1s <= system_now(); at += 1s)
      fmt::print(stderr, " {:.0f}", rate_between(arrivals, at, at + 1s));
    fmt::print(stderr, "\n");
  }

  bool verbose_;
  Figures figures_;
  std::unique_ptr<TimedJob> job_;  // first: the feed ends before the brokers do
  std::unique_ptr<FrameFeed> feed_;
};

// ---- moves

constexpr double kMovesFps = 30, kMovesWorkMs = 20;  // two workers are busy for 30 % of their time
constexpr int kMovesPartitions = 6;
constexpr auto kWatched = 3s;

struct Move {
  double moved_ms = 0, other_ms = 0, calm_ms = 0;  // greatest lateness above the median before
  std::size_t moved = 0;
};

double worst(const std::vector<Arrival>& arrivals, SystemTime from, SystemTime to, double median_ms,
             const std::set<int>& of, bool within) {
  double worst = 0;
  for (const auto& one : arrivals)
    if (one.captured >= from && one.captured < to && of.contains(one.partition.value) == within)
      worst = std::max(worst, one.late_ms() - median_ms);
  return worst;
}

Result<Move> move_once(TimedJob& job, int workers) {
  auto& recorder = job.recorder();
  std::this_thread::sleep_for(2 * kWatched);
  const auto at = system_now();
  RIDE_TRY(job.scale(workers));
  RIDE_TRY(job.wait_for_owners(static_cast<std::size_t>(workers), 20s));
  std::this_thread::sleep_for(kWatched);
  std::set<int> moved;
  for (const auto& seen : recorder.decisions_since(at - 1ms))
    if (const auto* assign = std::get_if<stream::Assign>(&seen.decision.body))
      for (const auto partition : assign->partitions) moved.insert(partition.value);
  if (moved.empty()) return Error{ErrorCode::internal, "no partition moved"};
  if (const auto failed = recorder.failed()) return *failed;
  const auto arrivals = recorder.arrivals_since(at - 2 * kWatched - 1s);
  const double median = chaos::baseline_of(arrivals, at - 2 * kWatched, at - kWatched).median_ms;
  // The same in as long a time without a move: what this machine does to frames by itself.
  return Move{.moved_ms = worst(arrivals, at - 200ms, at + kWatched, median, moved, true),
              .other_ms = worst(arrivals, at - 200ms, at + kWatched, median, moved, false),
              .calm_ms = worst(arrivals, at - kWatched - 200ms, at - 200ms, median, {}, false),
              .moved = moved.size()};
}

Result<Figures> run_moves(const Options& options) {
  auto job = TimedJob::start(
      {.source =
           fmt::format("{{ synthetic: {{ width: 900, height: 900, channels: 1 }}, fps: {}, codec: raw }}", kMovesFps),
       .group = "{ min: 2, max: 3 }",
       .partitions = kMovesPartitions,
       .work_ms = kMovesWorkMs,
       .slots = 3});
  if (!job.ok()) return job.error();
  RIDE_TRY((*job)->scale(2));
  RIDE_TRY((*job)->wait_for_owners(2, 30s));
  std::vector<double> moved, other, calm;
  const int runs = options.runs > 0 ? options.runs : 10;
  for (int run = 0; run < runs; ++run) {
    auto move = move_once(**job, run % 2 == 0 ? 3 : 2);
    if (!move.ok())
      return Error{move.error().code, fmt::format("move {} of {}: {}", run + 1, runs, move.error().message)};
    moved.push_back(move->moved_ms);
    other.push_back(move->other_ms);
    calm.push_back(move->calm_ms);
    if (options.verbose)
      fmt::print(stderr, "{} → {}: {} partitions moved: {:.0f} ms, others {:.0f}, without a move {:.0f}\n",
                 run % 2 == 0 ? 2 : 3, run % 2 == 0 ? 3 : 2, move->moved, move->moved_ms, move->other_ms,
                 move->calm_ms);
  }
  RIDE_ASSIGN(auto statement, (*job)->finish());
  if (options.verbose || !statement.clean()) fmt::print(stderr, "{}", ledger::to_text(statement));
  Figures figures;
  figures["runs"] = runs;
  figures["moved_gap_ms"] = median(moved);
  figures["other_gap_ms"] = median(other);
  figures["calm_gap_ms"] = median(calm);
  figures["max_moved_gap_ms"] = percentile(moved, 1);
  figures["max_other_gap_ms"] = percentile(other, 1);
  figures["max_calm_gap_ms"] = percentile(calm, 1);
  figures["lost"] = statement.open();
  figures["duplicates"] = statement.twice();
  figures["redelivered"] = statement.redelivered();
  return figures;
}

}  // namespace

Result<Figures> run_rescale(const Options& options) {
  Figures figures;
  if (options.only.empty() || options.only == "step") {
    auto part = Step(options.verbose).run();
    if (!part.ok()) return Error{part.error().code, "step: " + part.error().message};
    figures["step"] = std::move(part).value();
  }
  if (options.only.empty() || options.only == "moves") {
    auto part = run_moves(options);
    if (!part.ok()) return Error{part.error().code, "moves: " + part.error().message};
    figures["moves"] = std::move(part).value();
  }
  if (figures.empty()) return Error{ErrorCode::invalid_argument, "--only takes step or moves"};
  return figures;
}

}  // namespace ride::bench
