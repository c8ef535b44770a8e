// bench/run load: how a cluster fares on a machine that has far too much to do: two agents with two workers each and
// three plain workers, and beside them processes that only use up the processor. Once a minute a plain worker is
// killed. Who else is declared lost by silence lived.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "bench/benchmarks.h"
#include "bench/job_group.h"
#include "bench/local_cluster.h"

namespace ride::bench {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr int kPlain = 3, kAgents = 2, kSlots = 2;
constexpr auto kBetweenKills = 60s;
constexpr const char* kTopology =
    "ride: v1\nname: load\nsources:\n  cam: { synthetic: { width: 320, height: 240, channels: 1 }, fps: 10, codec: raw "
    "}\n"
    "stages:\n  - name: stddev\n    from: [cam]\n    topic: { partitions: 14 }\n    task: stddev_filter\n"
    "    group: { min: 7, max: 7 }\n    output: { topic: load-out, partitions: 7 }\n";

double load_average() {
  std::ifstream in("/proc/loadavg");
  double load = 0;
  in >> load;
  return load;
}

// Processes that never wait; they end with this object.
class Spinners {
 public:
  Result<void> start(int count) {
    for (int i = 0; i < count; ++i) {
      process::ProcessPlan plan;
      plan.arguments = {"/bin/sh", "-c", "while :; do :; done"};
      plan.working_folder = "/";
      plan.output = "/dev/null";
      plan.signal_on_parent_death = SIGKILL;
      RIDE_ASSIGN(auto child, process::ChildProcess::start(plan));
      children_.push_back(std::move(child));
    }
    return {};
  }
  ~Spinners() {
    for (auto& child : children_) child->send_signal(SIGKILL);
  }

 private:
  std::vector<std::unique_ptr<process::ChildProcess>> children_;
};

class LoadRun {
 public:
  explicit LoadRun(const Options& options)
      : options_(options), random_(options.seed != 0 ? options.seed : std::random_device{}()) {}

  Result<Figures> run() {
    RIDE_TRY(start());
    Spinners spinners;
    RIDE_TRY(spinners.start(options_.load > 0 ? options_.load : 30));
    const auto end = steady_clock::now() + std::chrono::seconds(options_.seconds > 0 ? options_.seconds : 600);
    auto next_kill = steady_clock::now() + kBetweenKills / 2;
    while (steady_clock::now() < end) {
      std::this_thread::sleep_for(1s);
      load_ = std::max(load_, load_average());
      look();
      if (steady_clock::now() < next_kill) continue;
      next_kill += kBetweenKills;
      RIDE_TRY(kill_one());
    }
    std::this_thread::sleep_for(6s);
    look();
    return figures();
  }

 private:
  Result<void> start() {
    RIDE_ASSIGN(auto cluster, LocalCluster::start());
    cluster_ = std::move(cluster);
    RIDE_TRY(cluster_->run_master());
    for (int i = 1; i <= kAgents; ++i)
      if (auto agent =
              cluster_->run("ride-agent", {"--brokers", cluster_->brokers(), "--node", fmt::format("n{}", i), "--slots",
                                           std::to_string(kSlots), "--producers", i == 1 ? "1" : "0"});
          !agent.ok())
        return agent.error();
    for (int i = 1; i <= kPlain; ++i) RIDE_TRY(run_plain(fmt::format("plain{}", i)));
    RIDE_TRY(cluster_->submit(kTopology));
    RIDE_ASSIGN([[maybe_unused]] const auto group,
                wait_for_group(*cluster_, "load", "stddev", kPlain + kAgents * kSlots, 0, 60s));
    look();
    outs_.clear();
    return {};
  }

  Result<void> run_plain(const std::string& name) {
    RIDE_ASSIGN(auto worker,
                cluster_->run("ride-worker", {"--brokers", cluster_->brokers(), "--name", name, "--node", "plain"}));
    plain_[name] = worker;
    return {};
  }

  // What was decided since the last look.
  void look() {
    const auto answer = cluster_->get(fmt::format("/events?after={}&limit=1000", after_));
    if (!answer.ok()) return;  // it has little time; the events stay
    for (const auto& event : (*answer)["events"]) {
      after_ = event["n"].get<std::int64_t>();
      const auto code = event.value("code", ""), text = event.value("text", "");
      if (options_.verbose) fmt::print(stderr, "{} {}: {}\n", event.value("at", ""), code, text);
      overloads_ += code == "overloaded";
      if (code == "out") outs_[text.substr(0, text.find(' '))] = text;
    }
  }

  Result<void> kill_one() {
    RIDE_ASSIGN(auto group, read_group(*cluster_, "load", "stddev"));
    const auto name = fmt::format("plain{}", 1 + random_() % kPlain);
    const auto victim = std::find_if(group.workers.begin(), group.workers.end(),
                                     [&](const auto& one) { return one.first.starts_with(name + "#"); });
    if (victim == group.workers.end()) return run_plain(name);
    killed_.insert(victim->first);
    ++kills_;
    const auto at = steady_clock::now();
    plain_.at(name)->send_signal(SIGKILL);
    const bool noticed = wait_until(20s, [&] {
      look();
      return outs_.contains(victim->first);
    });
    if (!noticed) return Error{ErrorCode::timeout, victim->first + " was killed, and nobody noticed it for 20 s"};
    detect_.push_back(std::chrono::duration<double, std::milli>(steady_clock::now() - at).count());
    return run_plain(name);
  }

  // "w1#a is out: no heartbeat for ..." of one that nobody killed; what its agent saw end did end.
  Figures figures() {
    std::int64_t innocent = 0;
    for (const auto& [id, text] : outs_) {
      if (killed_.contains(id) || text.find("no heartbeat for") == std::string::npos) continue;
      ++innocent;
      fmt::print(stderr, "innocent: {}\n", text);
    }
    Figures result;
    result["load"] = load_;
    result["kills"] = kills_;
    result["innocent"] = innocent;
    result["detect_ms"] = detect_.empty() ? 0 : median(detect_);
    result["max_detect_ms"] = detect_.empty() ? 0 : *std::max_element(detect_.begin(), detect_.end());
    result["overloads_told"] = overloads_;
    return result;
  }

  const Options& options_;
  std::mt19937_64 random_;
  std::unique_ptr<LocalCluster> cluster_;
  std::map<std::string, process::ChildProcess*> plain_;
  std::map<std::string, std::string> outs_;
  std::set<std::string> killed_;
  std::vector<double> detect_;
  std::int64_t after_ = 0, kills_ = 0, overloads_ = 0;
  double load_ = 0;
};

}  // namespace

Result<Figures> run_load(const Options& options) { return LoadRun(options).run(); }

}  // namespace ride::bench
