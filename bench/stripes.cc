// bench/run stripes: one 8K picture (7680x4320, 3 channels) whole on one worker, and in two stripes on two workers
// (split, the task, merge), in turns: with a blur of 61x61, and with a task of some ten seconds. Each job has two
// pictures, one after the other; the first one warms up and does not count. `work`: decoding, process() and encoding,
// as the workers report it; `end_to_end`: from the capture to the last byte of the result at a consumer; `cpu`: of all
// workers of the job. The floor is what the machine gives without RIDE: the same task in one process, on one thread
// with the whole picture and on two threads with a half each.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <opencv2/core/utility.hpp>
#include <optional>
#include <thread>

#include "bench/local_cluster.h"
#include "bench/measure_task.h"
#include "bench/picture_benchmarks.h"
#include "bench/timed_job.h"
#include "common/sha256.h"
#include "stream/control.h"
#include "stream/control_client.h"
#include "stream/core/set_assembler.h"
#include "stream/frame_codec.h"
#include "stream/kafka/reader.h"

namespace ride::bench {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr int kTrials = 3, kWorkers = 2, kWidth = 7680, kHeight = 4320;
constexpr auto kLongest = 300s;  // for one picture
constexpr const char* kOut = "stripes-out";

struct Load {
  const char* name;
  const char* task;
  int ksize;
  int period_s;  // between the pictures of a job: more than one takes
};
constexpr Load kLoads[] = {{"blur", "gaussian_blur", 61, 20}, {"heavy", "bilateral_filter", 25, 45}};

struct Seen {
  double end_to_end_s = 0, work_s = 0, cpu_s = 0;
  std::string sha256;
};
using Trials = std::vector<Seen>;

std::string topology(const Load& load, const std::string& job, bool split) {
  const auto source = fmt::format(
      "ride: v1\nname: {}\nsources:\n  cam: {{ synthetic: {{ width: {}, height: {}, channels: 3, frames: 2 }}, fps: "
      "{:.4f}, codec: raw }}\nstages:\n",
      job, kWidth, kHeight, 1.0 / load.period_s);
  const auto output = fmt::format("output: {{ topic: {}-{}, partitions: 1 }}", kOut, job);
  if (!split)
    return source + fmt::format(
                        "  - {{ name: work, from: [cam], topic: {{ partitions: 1 }}, task: {}, params: {{ ksize: {} "
                        "}}, group: {{ min: 1, max: 1, cores: 1 }}, {} }}\n",
                        load.task, load.ksize, output);
  return source +
         fmt::format(
             "  - {{ name: cut, from: [cam], topic: {{ partitions: 1 }}, task: split, params: {{ stripes: {2} }} }}\n"
             "  - {{ name: work, from: [cut], topic: {{ partitions: {2} }}, task: {0}, params: {{ ksize: {1} }}, "
             "group: {{ min: {2}, max: {2}, cores: 1 }} }}\n"
             "  - {{ name: join, from: [work], topic: {{ partitions: 1 }}, task: merge, {3} }}\n",
             load.task, load.ksize, kWorkers, output);
}

// What the job's workers report of themselves.
class Workers {
 public:
  static Result<Workers> of(LocalCluster& cluster, const std::string& job) {
    RIDE_ASSIGN(auto reader, stream::open_control_reader(cluster.kafka(), stream::kReportsTopic));
    return Workers(std::move(reader), job);
  }

  // Until the stage `work` has taken so many sets through its task.
  Result<void> wait_for(std::int64_t sets) {
    for (const auto deadline = Clock::now() + 60s; Clock::now() < deadline;) {
      RIDE_ASSIGN(const auto entries, reader_->poll(100ms));
      for (const auto& entry : entries) {
        const auto report = stream::decode_report(entry.json);
        const auto* beat = report.ok() ? std::get_if<stream::Heartbeat>(&report->body) : nullptr;
        if (beat != nullptr && beat->group.starts_with(job_ + "/")) beats_[beat->id.value] = *beat;
      }
      std::int64_t done = 0;
      for (const auto& [id, beat] : beats_) done += beat.group == job_ + "/work" ? beat.frames : 0;
      if (done >= sets) return {};
    }
    return Error{ErrorCode::timeout, "the workers do not report their work"};
  }
  std::map<std::string, double> busy() const {
    std::map<std::string, double> busy;
    for (const auto& [id, beat] : beats_)
      if (beat.group == job_ + "/work") busy[id] = beat.busy_seconds;
    return busy;
  }
  double cpu_seconds() const {
    double seconds = 0;
    for (const auto& [id, beat] : beats_) seconds += usage_of(static_cast<int>(beat.pid)).cpu_seconds;
    return seconds;
  }

 private:
  Workers(std::unique_ptr<stream::ControlReader> reader, std::string job)
      : reader_(std::move(reader)), job_(std::move(job)) {}
  std::unique_ptr<stream::ControlReader> reader_;
  std::string job_;
  std::map<std::string, stream::Heartbeat> beats_;
};

// The pictures that leave the job, put together as any reader does it.
class Results {
 public:
  static Result<Results> of(LocalCluster& cluster, const std::string& job) {
    const stream::TopicPartition at{std::string(kOut) + "-" + job, PartitionId{0}};
    RIDE_ASSIGN(auto reader, kafka::KafkaReader::open(cluster.kafka(), {.group = "stripes-bench"}));
    RIDE_TRY(reader->assign(at, Offset{0}));
    return Results(std::move(reader), at);
  }

  Result<Seen> next() {
    for (const auto deadline = Clock::now() + kLongest; Clock::now() < deadline;) {
      auto record = reader_->poll(100ms);
      if (!record.ok() && !record.error().retriable) return record.error();
      if (!record.ok() || !*record) continue;
      auto step = assembler_->add((*record)->offset, (*record)->timestamp, (*record)->headers,
                                  {(*record)->value, (*record)->owner});
      if (!step.accepted || step.accepted->kind == stream::RecordKind::end) continue;
      const auto now = system_now();
      if (step.accepted->frames.empty()) return Error{ErrorCode::internal, step.accepted->header.reason};
      const auto& whole = step.accepted->frames.front();
      const std::string_view bytes(reinterpret_cast<const char*>(whole.payload.bytes.data()),
                                   whole.payload.bytes.size());
      return Seen{.end_to_end_s = std::chrono::duration<double>(now - whole.header.captured_at).count(),
                  .sha256 = sha256_hex(bytes)};
    }
    return Error{ErrorCode::timeout, fmt::format("no picture came within {} s", kLongest.count())};
  }

 private:
  Results(std::unique_ptr<kafka::KafkaReader> reader, const stream::TopicPartition& at)
      : reader_(std::move(reader)),
        assembler_(std::make_unique<stream::SetAssembler>(stream::SetAssembler::Config{at, "", {}, {}},
                                                          stream::CommitMetadata{})) {}
  std::unique_ptr<kafka::KafkaReader> reader_;
  std::unique_ptr<stream::SetAssembler> assembler_;
};

Result<Seen> measure(LocalCluster& cluster, const Load& load, const std::string& job, bool split) {
  RIDE_ASSIGN(auto workers, Workers::of(cluster, job));
  RIDE_TRY(cluster.submit(topology(load, job, split)));
  RIDE_TRY(cluster.wait_for_phase(job, "running", 60s));
  RIDE_ASSIGN(auto results, Results::of(cluster, job));
  const int sets = split ? kWorkers : 1;
  RIDE_ASSIGN(const auto warm_up, results.next());
  if (warm_up.end_to_end_s > load.period_s)
    return Error{ErrorCode::internal,
                 fmt::format("the first picture took {:.0f} s, and the second one waited", warm_up.end_to_end_s)};
  RIDE_TRY(workers.wait_for(sets));
  const auto busy_before = workers.busy();
  const auto cpu_before = workers.cpu_seconds();
  RIDE_ASSIGN(auto seen, results.next());
  RIDE_TRY(workers.wait_for(std::int64_t{2} * sets));
  seen.cpu_s = workers.cpu_seconds() - cpu_before;
  for (const auto& [id, busy] : workers.busy()) {
    const auto before = busy_before.find(id);
    seen.work_s = std::max(seen.work_s, busy - (before == busy_before.end() ? 0 : before->second));
  }
  RIDE_TRY(cluster.wait_for_phase(job, "completed", 60s));
  return seen;
}

double middle(const Trials& trials, double Seen::*value) {
  std::vector<double> values;
  for (const auto& trial : trials) values.push_back(trial.*value);
  return median(values);
}

// Until all of `pictures` are through the task, each on a thread of its own.
Result<double> seconds_at_once(const Load& load, const std::vector<cv::Mat>& pictures) {
  std::vector<std::unique_ptr<OpenedTask>> tasks;
  for (const auto& picture : pictures) {
    const TaskCase one{
        .name = load.name, .task = load.task, .params = {{"ksize", std::int64_t{load.ksize}}}, .plain = {}};
    RIDE_ASSIGN(auto opened, OpenedTask::open(one, picture));
    tasks.push_back(std::move(opened));
  }
  std::vector<Result<void>> results(tasks.size());
  const auto begin = Clock::now();
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < tasks.size(); ++i)
      threads.emplace_back([&results, &tasks, i] { results[i] = tasks[i]->process(); });
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  for (const auto& result : results) RIDE_TRY(result);
  return seconds;
}

// How much faster two halves at once are than the whole, on this machine.
Result<double> floor_speedup(const Load& load, int trials) {
  cv::setNumThreads(1);
  cv::Mat picture(kHeight, kWidth, CV_8UC3);
  cv::randu(picture, 0, 255);
  const std::vector<cv::Mat> halves{picture.rowRange(0, kHeight / 2), picture.rowRange(kHeight / 2, kHeight)};
  std::vector<double> whole, split;
  for (int trial = 0; trial < trials; ++trial) {
    RIDE_ASSIGN(const auto one, seconds_at_once(load, {picture}));
    RIDE_ASSIGN(const auto two, seconds_at_once(load, halves));
    whole.push_back(one);
    split.push_back(two);
  }
  return median(whole) / median(split);
}

Figures figures_of(const Trials& whole, const Trials& split) {
  Figures figures;
  const auto ratio = [&](double Seen::*value) { return middle(whole, value) / middle(split, value); };
  figures["work_speedup"] = ratio(&Seen::work_s);
  figures["end_to_end_speedup"] = ratio(&Seen::end_to_end_s);
  figures["identical"] =
      std::all_of(split.begin(), split.end(), [&](const Seen& one) { return one.sha256 == whole.front().sha256; });
  for (const auto& [name, trials] : {std::pair{"one_worker", &whole}, {"two_workers", &split}}) {
    figures[fmt::format("{}_work_s", name)] = middle(*trials, &Seen::work_s);
    figures[fmt::format("{}_end_to_end_s", name)] = middle(*trials, &Seen::end_to_end_s);
    figures[fmt::format("{}_cpu_s", name)] = middle(*trials, &Seen::cpu_s);
  }
  return figures;
}

Result<Figures> compare(LocalCluster& cluster, const Load& load, const Options& options) {
  Trials whole, split;
  const int trials = options.runs > 0 ? options.runs : kTrials;
  for (int trial = 0; trial < trials; ++trial)
    for (const bool in_parts : {trial % 2 == 0, trial % 2 != 0}) {
      const auto job = fmt::format("{}-{}-{}", load.name, in_parts ? "split" : "whole", trial);
      RIDE_ASSIGN(auto seen, measure(cluster, load, job, in_parts));
      if (options.verbose)
        fmt::print(stderr, "{}: work {:.2f} s, end to end {:.2f} s, cpu {:.2f} s\n", job, seen.work_s,
                   seen.end_to_end_s, seen.cpu_s);
      (in_parts ? split : whole).push_back(std::move(seen));
    }
  auto figures = figures_of(whole, split);
  if (!figures["identical"].get<bool>())
    return Error{ErrorCode::internal, "the stripes give other bytes than the whole picture"};
  figures["trials"] = trials;
  RIDE_ASSIGN(const auto floor, floor_speedup(load, trials));
  figures["floor_speedup"] = floor;
  figures["work_to_floor"] = figures["work_speedup"].get<double>() / floor;
  figures["task"] = fmt::format("{} {}x{}", load.task, load.ksize, load.ksize);
  return figures;
}

}  // namespace

Result<Figures> run_stripes(const Options& options) {
  RIDE_ASSIGN(auto cluster, cluster_with_agent(kWorkers + 2));
  Figures figures;
  figures["picture"] = fmt::format("{}x{}, 3 channels", kWidth, kHeight);
  figures["workers"] = kWorkers;
  for (const auto& load : kLoads) {
    if (!options.only.empty() && options.only != load.name) continue;
    RIDE_ASSIGN(figures[load.name], compare(*cluster, load, options));
  }
  return figures;
}

}  // namespace ride::bench
