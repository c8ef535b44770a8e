// bench/run mixed: a group of two workers of equal and two of half speed: 30 % of a core for each of two, 15 % for the
// others, by CPU quota (control groups, version 1 or 2), so that all fit on two cores beside the brokers. Work that
// really computes: gaussian_blur 201x201 of 640x480. First each alone; then all four, offered 5 % more than their sum;
// then the same as four jobs, each of one worker and a quarter of the frames: an equal share that stays.
#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <thread>

#include "bench/benchmarks.h"
#include "bench/local_cluster.h"
#include "chaos/cut.h"
#include "chaos/recorder.h"

namespace ride::bench {

namespace {

using namespace std::chrono_literals;

struct Speed {
  const char* name;
  int percent;  // of one core
};
constexpr Speed kWorkers[] = {{"full1", 30}, {"full2", 30}, {"half1", 15}, {"half2", 15}};
constexpr int kPartitions = 24;
constexpr double kMoreThanOne = 40;  // fps: above what any of them does

class Worker {
 public:
  static Result<std::unique_ptr<Worker>> start(LocalCluster& cluster, const Speed& speed) {
    RIDE_ASSIGN(auto child, cluster.run("ride-worker",
                                        {"--brokers", cluster.brokers(), "--name", speed.name, "--node", speed.name}));
    auto worker = std::unique_ptr<Worker>(new Worker());
    worker->child_ = child;
    worker->limit_ =
        chaos::CpuLimit::start(fmt::format("ride-mixed-{}-{}", speed.name, ::getpid()), {child->pid()}, speed.percent);
    return worker;
  }
  ~Worker() {
    limit_.reset();  // at full speed it ends soon
    child_->send_signal(SIGTERM);
    if (!child_->wait_until_ended(10s)) child_->send_signal(SIGKILL);
  }
  bool by_quota() const { return limit_->by_quota(); }

 private:
  Worker() = default;
  process::ChildProcess* child_ = nullptr;
  std::unique_ptr<chaos::CpuLimit> limit_;
};

class Mixed {
 public:
  Mixed(LocalCluster& cluster, const Options& options)
      : cluster_(cluster), watched_(options.seconds > 0 ? options.seconds : 20), verbose_(options.verbose) {}

  // Of so many workers that are there and have joined, in one job of a group of all, or in as many jobs as workers,
  // which share the frames equally.
  Result<double> fps(int workers, int jobs, double offered, std::chrono::seconds settle) {
    RIDE_TRY(wait_for_workers(workers));
    std::map<std::string, std::unique_ptr<chaos::Recorder>> recorders;
    for (int i = 0; i < jobs; ++i) {
      const auto name = fmt::format("mixed{}", ++jobs_);
      RIDE_TRY(cluster_.submit(topology(name, workers / jobs, offered / jobs)));
      RIDE_TRY(cluster_.wait_for_phase(name, "running", 30s));
      RIDE_ASSIGN(auto recorder, chaos::Recorder::start(cluster_.kafka(), "ride", JobName{name}, 10s));
      recorders[name] = std::move(recorder);
    }
    for (const auto& [name, recorder] : recorders)
      if (!wait_until(60s, [&recorder = recorder] { return !recorder->arrivals_since({}).empty(); }))
        return Error{ErrorCode::timeout, "no frames came from " + name};
    std::this_thread::sleep_for(settle);  // speeds are measured, partitions move
    const auto begin = system_now(), end = begin + watched_;
    std::this_thread::sleep_until(end);
    std::size_t count = 0;
    for (const auto& [name, recorder] : recorders) {
      for (const auto& one : recorder->arrivals_since(begin)) count += one.arrived < end;
      if (const auto failed = recorder->failed()) return *failed;
      if (verbose_) show(name);
      RIDE_TRY(cluster_.cancel(name));
    }
    return static_cast<double>(count) / static_cast<double>(watched_.count());
  }

 private:
  static std::string topology(const std::string& name, int workers, double offered) {
    return fmt::format(
        "ride: v1\nname: {0}\nsources:\n  cam: {{ synthetic: {{ width: 640, height: 480, channels: 1 }}, fps: {1:.2f}, "
        "codec: raw }}\n"
        "stages:\n  - name: blur\n    from: [cam]\n    topic: {{ partitions: {2} }}\n    task: gaussian_blur\n"
        "    params: {{ ksize: 201 }}\n    group: {{ min: {3}, max: {3} }}\n    output: {{ topic: {0}-out, partitions: "
        "{2} }}\n",
        name, offered, kPartitions, workers);
  }

  Result<void> wait_for_workers(int wanted) {
    const bool there = wait_until(30s, [&] {
      auto workers = cluster_.get("/workers");
      if (!workers.ok()) return false;
      const auto& all = workers->at("workers");
      return std::count_if(all.begin(), all.end(), [](const auto& one) {
               return one.value("state", "") == "live" && one.value("kind", "") == "worker";
             }) == wanted;
    });
    if (there) return {};
    return Error{ErrorCode::timeout, fmt::format("there are not {} workers", wanted)};
  }

  void show(const std::string& job) {
    auto view = cluster_.get("/jobs/" + job);
    if (!view.ok()) return;
    std::map<std::string, int> owned;
    for (const auto& partition : view->at("stages").at(0).at("partition_list"))
      if (partition.at("worker").is_string()) ++owned[partition.value("worker", "")];
    for (const auto& [worker, count] : owned) fmt::print(stderr, "{}: {} has {} partitions\n", job, worker, count);
  }

  LocalCluster& cluster_;
  std::chrono::seconds watched_;
  bool verbose_;
  int jobs_ = 0;
};

}  // namespace

Result<Figures> run_mixed(const Options& options) {
  RIDE_ASSIGN(auto started, LocalCluster::start());
  auto& cluster = *started;
  RIDE_TRY(cluster.run_master());
  RIDE_TRY(cluster.run("ride-producer", {"--brokers", cluster.brokers(), "--name", "camera"}));
  Mixed mixed(cluster, options);
  Figures figures;
  double sum = 0;
  for (const auto& speed : kWorkers) {
    RIDE_ASSIGN(const auto worker, Worker::start(cluster, speed));  // works until the next one is measured
    auto alone = mixed.fps(1, 1, kMoreThanOne, 10s);
    if (!alone.ok()) return Error{alone.error().code, fmt::format("{} alone: {}", speed.name, alone.error().message)};
    if (*alone >= 0.95 * kMoreThanOne)
      return Error{ErrorCode::internal, "one worker does all that is offered: nothing is measured"};
    figures[fmt::format("{}_fps", speed.name)] = *alone;
    sum += *alone;
  }
  std::vector<std::unique_ptr<Worker>> all;
  bool by_quota = true;
  for (const auto& speed : kWorkers) {
    RIDE_ASSIGN(auto worker, Worker::start(cluster, speed));
    by_quota = by_quota && worker->by_quota();
    all.push_back(std::move(worker));
  }
  const int count = static_cast<int>(all.size());
  auto together = mixed.fps(count, 1, 1.05 * sum, 15s);
  if (!together.ok()) return Error{together.error().code, "together: " + together.error().message};
  auto equal = mixed.fps(count, count, 1.05 * sum, 20s);
  if (!equal.ok()) return Error{equal.error().code, "equal shares: " + equal.error().message};
  figures["sum_fps"] = sum;
  figures["together_fps"] = *together;
  figures["static_fps"] = *equal;
  figures["ratio_to_sum"] = *together / sum;
  figures["static_ratio"] = *equal / sum;
  figures["limited_by"] = by_quota ? "quota" : "stop and continue";
  return figures;
}

}  // namespace ride::bench
