// bench/run latency: a 30 fps source of 900x900 8-bit frames, one stddev_filter stage of 2 workers and 4 partitions;
// the time from capture to the filtered frame's arrival at a consumer.
#include "bench/latency.h"

#include <cstdio>
#include <map>

#include "bench/local_cluster.h"
#include "stream/core/frame_record.h"
#include "stream/kafka/reader.h"

namespace ride::bench {

namespace {

using namespace std::chrono_literals;

constexpr int kPartitions = 4;
constexpr const char* kOut = "latency-out";

std::string topology(const std::string& task, int frames) {
  return "ride: v1\nname: latency\nsources:\n  cam: { synthetic: { width: 900, height: 900, channels: 1, frames: " +
         std::to_string(frames) +
         " }, fps: 30, codec: raw }\nstages:\n  - name: stddev\n    from: [cam]\n    topic: { partitions: 4 }\n"
         "    " +
         task +
         "    group: { min: 2, max: 2, cores: 1 }\n    output: { topic: latency-out, "
         "partitions: 4 }\n";
}

struct Arrivals {
  std::map<std::string, int> times_seen;
  std::vector<double> latency_ms;  // of first arrivals, in order
};

Result<void> receive(stream::RecordReader& reader, int frames, std::chrono::seconds within, Arrivals& arrivals) {
  auto last = std::chrono::steady_clock::now() + within;  // the first frame may take this long
  while (std::chrono::steady_clock::now() < last) {
    auto record = reader.poll(100ms);
    if (!record.ok()) {
      if (record.error().retriable) continue;
      return record.error();
    }
    if (!*record) continue;
    const auto now = system_now();
    RIDE_ASSIGN(auto header, stream::decode_header((*record)->headers));
    if (++arrivals.times_seen[to_string(header.id)] == 1)
      arrivals.latency_ms.push_back(std::chrono::duration<double, std::milli>(now - header.captured_at).count());
    // All are here: a second more for doubles that may follow. Else 10 s without a frame end the wait.
    last = std::chrono::steady_clock::now() + (static_cast<int>(arrivals.times_seen.size()) >= frames ? 1s : 10s);
  }
  return {};
}

}  // namespace

Result<Figures> run_latency(const Options& options) {
  return stream_latency("task: stddev_filter\n", options.frames > 0 ? options.frames : 1800, options.verbose);
}

Result<Figures> stream_latency(const std::string& task, int frames, bool verbose) {
  RIDE_ASSIGN(auto started, LocalCluster::start());
  auto& cluster = *started;
  RIDE_TRY(cluster.run_master());
  RIDE_TRY(cluster.run("ride-agent", {"--brokers", cluster.brokers(), "--slots", "2"}));
  RIDE_TRY(cluster.submit(topology(task, frames)));
  RIDE_TRY(cluster.wait_for_phase("latency", "running", 30s));

  RIDE_ASSIGN(auto reader, kafka::KafkaReader::open(cluster.kafka(), {.group = "latency-bench"}));
  for (int p = 0; p < kPartitions; ++p) RIDE_TRY(reader->assign({kOut, PartitionId{p}}, Offset{0}));
  Arrivals arrivals;
  RIDE_TRY(receive(*reader, frames, 30s, arrivals));

  RIDE_ASSIGN(auto sources, cluster.get("/sources"));
  if (verbose)
    for (std::size_t i = 0; i < arrivals.latency_ms.size(); ++i)
      std::fprintf(stderr, "%zu %.1f\n", i, arrivals.latency_ms[i]);
  std::int64_t duplicates = 0;
  for (const auto& [id, times] : arrivals.times_seen) duplicates += times - 1;
  Figures figures;
  figures["sent"] = sources.at("sources").at(0).value("frames", 0);
  figures["received"] = arrivals.times_seen.size();
  figures["duplicates"] = duplicates;
  figures["p50_ms"] = percentile(arrivals.latency_ms, 0.5);
  figures["p99_ms"] = percentile(arrivals.latency_ms, 0.99);
  figures["max_ms"] = percentile(arrivals.latency_ms, 1);
  // Without the first five seconds, in which workers open what they have not opened before.
  constexpr std::size_t kFirst = 150;
  if (arrivals.latency_ms.size() > 2 * kFirst)
    figures["later_p99_ms"] = percentile({arrivals.latency_ms.begin() + kFirst, arrivals.latency_ms.end()}, 0.99);
  return figures;
}

}  // namespace ride::bench
