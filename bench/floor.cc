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

Result<void> fill_backlog(const kafka::ClientConfig& config, stream::TopicAdmin& admin, const std::string& topic,
                          int frames) {
  RIDE_TRY(admin.create({topic, kPartitions, 1, {}}));
  RIDE_ASSIGN(auto writer, kafka::KafkaWriter::open(config));
  auto frame = std::make_shared<cv::Mat>(sample_frame());
  for (int i = 0; i < frames;) {
    stream::OutRecord record;
    record.value = {frame->data, frame->total()};
    record.owner = frame;
    auto sent = writer->send({topic, PartitionId{i % kPartitions}}, std::move(record), {});
    if (sent.ok()) {
      ++i;
      continue;
    }
    if (!sent.error().retriable) return sent;
    writer->serve(10ms);
  }
  return writer->flush(120s);
}

Result<std::int64_t> count(stream::TopicAdmin& admin, const std::string& topic) {
  std::int64_t total = 0;
  for (int p = 0; p < kPartitions; ++p) {
    RIDE_ASSIGN(auto range, admin.range({topic, PartitionId{p}}));
    total += range.end.value;
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
      "ride: v1\nname: {}\nstages:\n  - name: stddev\n    topic: {{ name: {}, adopt: true, format: raw, shape: "
      "900x900x1 }}\n"
      "    task: stddev_filter\n    params: {{ ksize: {} }}\n    group: {{ min: 1, max: 1, cores: 1 }}\n"
      "    output: {{ topic: {}, partitions: {} }}\n",
      job, in, kKernel, out, kPartitions);
}

// One round of each, on its own output topic.
class Floor {
 public:
  Floor(LocalCluster& cluster, stream::TopicAdmin& admin, int worker_pid, int frames)
      : cluster_(cluster), admin_(admin), worker_pid_(worker_pid), frames_(frames) {}

  Result<Rate> run_loop(int round) {
    const auto out = fmt::format("floor-loop-{}", round + 1);
    RIDE_TRY(admin_.create({out, kPartitions, 1, {}}));
    RIDE_ASSIGN(auto loop, cluster_.run("ride-bench-loop", {cluster_.brokers(), "floor-in", out,
                                                            std::to_string(kPartitions), std::to_string(kKernel)}));
    auto rate = measure(admin_, out, frames_, loop->pid());
    loop->send_signal(SIGTERM);
    loop->wait_until_ended(10s);
    return end(out, std::move(rate));
  }

  Result<Rate> run_worker(int round) {
    const auto out = fmt::format("floor-worker-{}", round + 1), job = fmt::format("floor-{}", round + 1);
    RIDE_TRY(admin_.create({out, kPartitions, 1, {}}));
    RIDE_TRY(cluster_.submit(topology(job, "floor-in", out)));
    auto rate = measure(admin_, out, frames_, worker_pid_);
    RIDE_TRY(cluster_.cancel(job));
    return end(out, std::move(rate));
  }

 private:
  Result<Rate> end(const std::string& topic, Result<Rate> rate) {
    if (auto removed = admin_.remove(topic); !removed.ok()) log_warning("{}", removed.error().message);
    return rate;
  }

  LocalCluster& cluster_;
  stream::TopicAdmin& admin_;
  int worker_pid_, frames_;
};

double median_of(const std::vector<Rate>& rates, double Rate::*figure) {
  std::vector<double> values;
  values.reserve(rates.size());
  for (const auto& rate : rates) values.push_back(rate.*figure);
  return median(values);
}

double highest(const std::vector<Rate>& rates) {
  double peak = 0;
  for (const auto& rate : rates) peak = std::max(peak, rate.peak_rss_mb);
  return peak;
}

}  // namespace

Result<Figures> run_floor(const Options& options) {
  const int frames = options.frames > 0 ? options.frames : 1500;
  const int rounds = options.rounds > 0 ? options.rounds : 5;
  RIDE_ASSIGN(auto started, LocalCluster::start());
  auto& cluster = *started;
  RIDE_ASSIGN(auto admin, kafka::open_admin(cluster.kafka()));
  RIDE_TRY(fill_backlog(cluster.kafka(), *admin, "floor-in", frames));
  RIDE_TRY(cluster.run_master());
  RIDE_ASSIGN(auto worker, cluster.run("ride-worker", {"--brokers", cluster.brokers(), "--name", "floor"}));

  Floor floor{cluster, *admin, worker->pid(), frames};
  std::vector<Rate> loops, workers;
  std::vector<double> filter_fps;
  for (int round = -1; round < rounds; ++round) {
    const bool warm_up = round < 0;  // the broker's compiler and the page cache settle; not counted
    if (!warm_up) filter_fps.push_back(bare_filter_fps());
    // Who comes second finds the first one's pages being written to the disk: so each is first in turn.
    for (const bool is_loop : {round % 2 == 0, round % 2 != 0}) {
      RIDE_ASSIGN(auto rate, is_loop ? floor.run_loop(round) : floor.run_worker(round));
      if (!warm_up) (is_loop ? loops : workers).push_back(rate);
    }
  }
  // Ratios of neighbours in time, then the median: the machine's mood cancels out.
  std::vector<double> ratios, cpu_ratios;
  for (std::size_t i = 0; i < workers.size(); ++i) {
    ratios.push_back(workers[i].fps / loops[i].fps);
    cpu_ratios.push_back(workers[i].cpu_ms_per_frame / loops[i].cpu_ms_per_frame);
  }
  Figures figures;
  figures["frames"] = frames;
  figures["rounds"] = rounds;
  figures["worker_fps"] = median_of(workers, &Rate::fps);
  figures["loop_fps"] = median_of(loops, &Rate::fps);
  figures["filter_fps"] = median(filter_fps);
  figures["ratio"] = median(ratios);
  figures["cpu_ratio"] = median(cpu_ratios);
  figures["loop_to_filter"] = median_of(loops, &Rate::fps) / median(filter_fps);
  figures["worker_cpu_ms_per_frame"] = median_of(workers, &Rate::cpu_ms_per_frame);
  figures["loop_cpu_ms_per_frame"] = median_of(loops, &Rate::cpu_ms_per_frame);
  figures["worker_rss_mb"] = highest(workers);
  figures["loop_rss_mb"] = highest(loops);
  return figures;
}

}  // namespace ride::bench
