// bench/run floor: one worker beside a hand-written librdkafka loop (floor_loop.cc) that does the same work, and beside
// the bare filter in memory. Both read the same backlog of 900x900 8-bit frames and write to a topic of their own.
#include <spdlog/fmt/fmt.h>

#include <csignal>
#include <opencv2/core.hpp>

#include "bench/benchmarks.h"
#include "bench/local_cluster.h"
#include "common/log.h"
#include "stream/kafka/admin.h"
#include "stream/kafka/writer.h"
#include "worker/tasks/stddev_kernel.h"

namespace ride::bench {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr int kPartitions = 4;
constexpr int kSize = 900;
constexpr int kKernel = 61;  // 7 takes 0.6 ms, less than moving a frame through Kafka: it would measure Kafka alone

cv::Mat sample_frame() {
  cv::Mat frame(kSize, kSize, CV_8U);
  cv::randu(frame, 0, 255);
  return frame;
}

double bare_filter_fps() {
  cv::setNumThreads(1);
  const auto frame = sample_frame();
  cv::Mat out(kSize, kSize, CV_8U);
  std::vector<double> seconds;
  for (int i = 0; i < 200; ++i) {
    const auto begin = steady_clock::now();
    tasks::local_stddev(frame, out, kKernel, 1);
    seconds.push_back(std::chrono::duration<double>(steady_clock::now() - begin).count());
  }
  return 1 / median(seconds);
}

Result<void> fill_backlog(const kafka::ClientConfig& config, stream::TopicAdmin& admin, const std::string& topic, int frames) {
  if (auto made = admin.create({topic, kPartitions, 1, {}}); !made.ok()) return made;
  auto writer = kafka::KafkaWriter::open(config);
  if (!writer.ok()) return writer.error();
  auto frame = std::make_shared<cv::Mat>(sample_frame());
  for (int i = 0; i < frames;) {
    stream::OutRecord record;
    record.value = {frame->data, frame->total()};
    record.owner = frame;
    auto sent = (*writer)->send({topic, PartitionId{i % kPartitions}}, std::move(record), {});
    if (sent.ok()) {
      ++i;
      continue;
    }
    if (!sent.error().retriable) return sent;
    (*writer)->serve(10ms);
  }
  return (*writer)->flush(120s);
}

Result<std::int64_t> count(stream::TopicAdmin& admin, const std::string& topic) {
  std::int64_t total = 0;
  for (int p = 0; p < kPartitions; ++p) {
    auto range = admin.range({topic, PartitionId{p}});
    if (!range.ok()) return range.error();
    total += range->end.value;
  }
  return total;
}

struct Rate {
  double fps = 0, cpu_ms_per_frame = 0, peak_rss_mb = 0;
};

// Of process `pid`, from the first tenth of the frames that arrive in `topic` to the last one.
Result<Rate> measure(stream::TopicAdmin& admin, const std::string& topic, int frames, int pid) {
  std::int64_t first = 0, now = 0;
  auto began = steady_clock::now();
  ProcessUsage usage_then, usage_now;
  const auto reached = [&](std::int64_t wanted) {
    return wait_until(180s, [&] {
      auto counted = count(admin, topic);
      if (counted.ok()) now = *counted;
      const auto usage = usage_of(pid);
      if (usage.cpu_seconds > 0) usage_now = usage;
      return now >= wanted;
    });
  };
  if (!reached(frames / 10)) return Error{ErrorCode::timeout, "frames did not arrive in " + topic};
  first = now;
  began = steady_clock::now();
  usage_then = usage_now;
  if (!reached(frames))
    return Error{ErrorCode::timeout, fmt::format("only {} of {} frames arrived in {}", now, frames, topic)};
  const double seconds = std::chrono::duration<double>(steady_clock::now() - began).count();
  const auto done = static_cast<double>(frames - first);
  return Rate{done / seconds, (usage_now.cpu_seconds - usage_then.cpu_seconds) / done * 1000, usage_now.peak_rss_mb};
}

std::string topology(const std::string& job, const std::string& in, const std::string& out) {
  return fmt::format(
      "ride: v1\nname: {}\nstages:\n  - name: stddev\n    topic: {{ name: {}, adopt: true, format: raw, shape: 900x900x1 }}\n"
      "    task: stddev_filter\n    params: {{ ksize: {} }}\n    group: {{ min: 1, max: 1, cores: 1 }}\n"
      "    output: {{ topic: {}, partitions: {} }}\n",
      job, in, kKernel, out, kPartitions);
}

}  // namespace

Result<Figures> run_floor(const Options& options) {
  const int frames = options.frames > 0 ? options.frames : 2000;
  const int rounds = options.rounds > 0 ? options.rounds : 3;
  auto started = LocalCluster::start();
  if (!started.ok()) return started.error();
  auto& cluster = **started;
  auto admin = kafka::open_admin(cluster.kafka());
  if (!admin.ok()) return admin.error();
  if (auto filled = fill_backlog(cluster.kafka(), **admin, "floor-in", frames); !filled.ok()) return filled.error();
  if (auto master = cluster.run_master(); !master.ok()) return master.error();
  auto worker = cluster.run("ride-worker", {"--brokers", cluster.brokers(), "--name", "floor"});
  if (!worker.ok()) return worker.error();

  std::vector<double> worker_fps, loop_fps, worker_cpu, loop_cpu, filter_fps;
  double worker_rss = 0, loop_rss = 0;
  for (int round = 0; round < rounds; ++round) {
    filter_fps.push_back(bare_filter_fps());
    const auto loop_out = fmt::format("floor-loop-{}", round), worker_out = fmt::format("floor-worker-{}", round);
    if (auto made = (*admin)->create({loop_out, kPartitions, 1, {}}); !made.ok()) return made.error();
    auto loop = cluster.run("ride-bench-loop", {cluster.brokers(), "floor-in", loop_out, std::to_string(kPartitions), std::to_string(kKernel)});
    if (!loop.ok()) return loop.error();
    auto loop_rate = measure(**admin, loop_out, frames, (*loop)->pid());
    (*loop)->send_signal(SIGTERM);
    (*loop)->wait_until_ended(10s);
    if (!loop_rate.ok()) return loop_rate.error();

    const auto job = fmt::format("floor-{}", round);
    if (auto made = (*admin)->create({worker_out, kPartitions, 1, {}}); !made.ok()) return made.error();
    if (auto submitted = cluster.submit(topology(job, "floor-in", worker_out)); !submitted.ok()) return submitted.error();
    auto worker_rate = measure(**admin, worker_out, frames, (*worker)->pid());
    if (!worker_rate.ok()) return worker_rate.error();
    if (auto cancelled = cluster.cancel(job); !cancelled.ok()) return cancelled.error();

    loop_fps.push_back(loop_rate->fps);
    loop_cpu.push_back(loop_rate->cpu_ms_per_frame);
    loop_rss = std::max(loop_rss, loop_rate->peak_rss_mb);
    worker_fps.push_back(worker_rate->fps);
    worker_cpu.push_back(worker_rate->cpu_ms_per_frame);
    worker_rss = std::max(worker_rss, worker_rate->peak_rss_mb);
    for (const auto& topic : {loop_out, worker_out})
      if (auto removed = (*admin)->remove(topic); !removed.ok()) log_warning("{}", removed.error().message);
  }
  // Ratios of neighbours in time, then the median: the machine's mood cancels out.
  std::vector<double> ratios, cpu_ratios;
  for (std::size_t i = 0; i < worker_fps.size(); ++i) {
    ratios.push_back(worker_fps[i] / loop_fps[i]);
    cpu_ratios.push_back(worker_cpu[i] / loop_cpu[i]);
  }
  Figures figures;
  figures["frames"] = frames;
  figures["worker_fps"] = median(worker_fps);
  figures["loop_fps"] = median(loop_fps);
  figures["filter_fps"] = median(filter_fps);
  figures["ratio"] = median(ratios);
  figures["cpu_ratio"] = median(cpu_ratios);
  figures["loop_to_filter"] = median(loop_fps) / median(filter_fps);
  figures["worker_cpu_ms_per_frame"] = median(worker_cpu);
  figures["loop_cpu_ms_per_frame"] = median(loop_cpu);
  figures["worker_rss_mb"] = worker_rss;
  figures["loop_rss_mb"] = loop_rss;
  return figures;
}

}  // namespace ride::bench
