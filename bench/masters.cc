// bench/run masters: what frames notice of masters that die. Two workers drain a backlog at a steady rate; the leading
// master is killed (a standby takes over), then all masters are, for a while, then one starts anew. Every frame is
// counted at the output.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <map>
#include <mutex>
#include <thread>

#include "bench/benchmarks.h"
#include "bench/local_cluster.h"
#include "stream/control_client.h"
#include "stream/core/frame_record.h"
#include "stream/kafka/reader.h"

namespace ride::bench {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr int kPartitions = 4;
constexpr int kFramesPerSecond = 200;  // two workers, 10 ms a frame
constexpr auto kSteady = 5s;           // measured before and after the leader's death
constexpr const char* kOut = "masters-out";

std::string topology(int frames) {
  return "ride: v1\nname: masters\nsources:\n  cam: { synthetic: { width: 160, height: 120, channels: 1, frames: " +
         std::to_string(frames) +
         " }, fps: max, codec: raw }\nstages:\n  - name: slow\n    from: [cam]\n    topic: { partitions: 4 }\n"
         "    task: delay\n    params: { ms: 10 }\n    group: { min: 2, max: 2, spares: 1 }\n"
         "    output: { topic: masters-out, partitions: 4 }\n";
}

// Counts every frame at the output, on a thread of its own.
class Outlet {
 public:
  ~Outlet() { stop(); }

  Result<void> start(const kafka::ClientConfig& config) {
    RIDE_ASSIGN(auto reader, kafka::KafkaReader::open(config, {.group = "masters-bench"}));
    for (int p = 0; p < kPartitions; ++p) RIDE_TRY(reader->assign({kOut, PartitionId{p}}, Offset{0}));
    reader_ = std::move(reader);
    thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
    return {};
  }
  void stop() {
    if (!thread_.joinable()) return;
    thread_.request_stop();
    thread_.join();
  }

  int frames() const {
    const std::lock_guard lock(mutex_);
    return static_cast<int>(times_seen_.size());
  }
  int duplicates() const {
    const std::lock_guard lock(mutex_);
    int count = 0;
    for (const auto& [id, times] : times_seen_) count += times - 1;
    return count;
  }
  // Frames a second over all of the span, and in its worst second.
  struct Rate {
    double mean = 0, worst = 0;
  };
  Rate rate(Clock::time_point begin, Clock::time_point end) const {
    const std::lock_guard lock(mutex_);
    std::vector<int> seconds(static_cast<std::size_t>((end - begin) / 1s), 0);
    double all = 0;
    for (const auto at : arrivals_) {
      if (at < begin || at >= end) continue;
      ++all;
      if (const auto second = static_cast<std::size_t>((at - begin) / 1s); second < seconds.size()) ++seconds[second];
    }
    Rate rate{.mean = all / std::chrono::duration<double>(end - begin).count()};
    if (!seconds.empty()) rate.worst = *std::min_element(seconds.begin(), seconds.end());
    return rate;
  }

 private:
  void run(std::stop_token stop) {
    while (!stop.stop_requested()) {
      auto record = reader_->poll(50ms);
      if (!record.ok() || !*record) continue;
      const auto header = stream::decode_header((*record)->headers);
      if (!header.ok()) continue;
      const std::lock_guard lock(mutex_);
      if (++times_seen_[to_string(header->id)] == 1) arrivals_.push_back(Clock::now());
    }
  }

  std::unique_ptr<kafka::KafkaReader> reader_;
  mutable std::mutex mutex_;
  std::map<std::string, int> times_seen_;
  std::vector<Clock::time_point> arrivals_;
  std::jthread thread_;
};

// Reports when a claim of another master stood in the decisions log.
class ClaimWatch {
 public:
  Result<void> start(const kafka::ClientConfig& config) {
    RIDE_ASSIGN(auto reader, stream::open_control_reader(config, stream::kDecisionsTopic));
    reader_ = std::move(reader);
    while (!reader_->caught_up())
      if (auto entries = reader_->poll(100ms); entries.ok()) handle(*entries);
    return {};
  }
  // ms from `since` until somebody led with an epoch above the last one seen.
  Result<double> next_leader(Clock::time_point since, std::chrono::seconds patience) {
    const auto before = epoch_;
    while (Clock::now() - since < patience) {
      RIDE_ASSIGN(auto entries, reader_->poll(10ms));
      handle(entries);
      if (epoch_ > before) return std::chrono::duration<double, std::milli>(Clock::now() - since).count();
    }
    return Error{ErrorCode::timeout, "no other master took over"};
  }

 private:
  void handle(const std::vector<stream::ControlReader::Entry>& entries) {
    for (const auto& entry : entries) {
      const auto decision = stream::decode_decision(entry.json);
      if (!decision.ok()) continue;
      if (const auto* claim = std::get_if<stream::Claim>(&decision->body)) epoch_ = std::max(epoch_, claim->epoch);
    }
  }
  std::unique_ptr<stream::ControlReader> reader_;
  std::int64_t epoch_ = 0;
};

Result<process::ChildProcess*> start_standby(LocalCluster& cluster) {
  const auto file = cluster.folder() / "standby.port";
  auto standby = cluster.run("ride-master",
                             {"--brokers", cluster.brokers(), "--http", "127.0.0.1:0", "--port-file", file.string()});
  if (!standby.ok()) return standby;
  if (!wait_until(20s, [&] { return std::filesystem::exists(file); }))
    return Error{ErrorCode::unavailable, "the standby master did not become ready"};
  return standby;
}

Result<void> measure(LocalCluster& cluster, const Options& options, Figures& figures) {
  const auto masterless = std::chrono::seconds(options.seconds > 0 ? options.seconds : 60);
  const int frames = options.frames > 0 ? options.frames
                                        : kFramesPerSecond * static_cast<int>((2 * kSteady + masterless + 20s).count());
  RIDE_ASSIGN(auto leader, cluster.run_master());
  RIDE_ASSIGN(auto standby, start_standby(cluster));
  RIDE_TRY(cluster.run("ride-agent", {"--brokers", cluster.brokers(), "--slots", "3"}));
  RIDE_TRY(cluster.submit(topology(frames)));
  RIDE_TRY(cluster.wait_for_phase("masters", "running", 30s));
  Outlet outlet;
  RIDE_TRY(outlet.start(cluster.kafka()));
  ClaimWatch claims;
  RIDE_TRY(claims.start(cluster.kafka()));
  if (!wait_until(30s, [&] { return outlet.frames() > 2 * kFramesPerSecond; }))
    return Error{ErrorCode::timeout, "no frames flow"};

  std::this_thread::sleep_for(kSteady);  // measuring, not waiting
  const auto killed = Clock::now();
  leader->send_signal(SIGKILL);
  RIDE_ASSIGN(auto new_leader, claims.next_leader(killed, 20s));
  std::this_thread::sleep_until(killed + kSteady);
  const auto before = outlet.rate(killed - kSteady, killed), after = outlet.rate(killed, killed + kSteady);

  const auto all_killed = Clock::now();
  standby->send_signal(SIGKILL);
  std::this_thread::sleep_until(all_killed + masterless);
  const auto without = outlet.rate(all_killed, all_killed + masterless);

  RIDE_TRY(cluster.run_master());
  RIDE_TRY(cluster.wait_for_phase("masters", "completed", 120s));
  if (!wait_until(10s, [&] { return outlet.frames() >= frames; }))
    std::fprintf(stderr, "masters: %d of %d frames came out\n", outlet.frames(), frames);
  outlet.stop();

  const auto dip = [&](const Outlet::Rate& rate) { return std::max(0.0, 100 * (1 - rate.mean / before.mean)); };
  figures["rate_dip_pct"] = dip(after);
  figures["new_leader_ms"] = new_leader;
  figures["masterless_s"] = masterless.count();
  figures["lost"] = frames - outlet.frames();
  figures["duplicates"] = outlet.duplicates();
  figures["rate_before"] = before.mean;
  figures["worst_second_before"] = before.worst;
  figures["rate_after"] = after.mean;
  figures["worst_second_after"] = after.worst;
  figures["rate_masterless"] = without.mean;
  figures["worst_second_masterless"] = without.worst;
  figures["masterless_dip_pct"] = dip(without);
  return {};
}

}  // namespace

Result<Figures> run_masters(const Options& options) {
  RIDE_ASSIGN(auto started, LocalCluster::start());
  Figures figures;
  RIDE_TRY(measure(*started, options, figures));
  return figures;
}

}  // namespace ride::bench
