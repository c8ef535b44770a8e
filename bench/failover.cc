// bench/run failover: two of a group's three workers die at a random moment, again and again, on one cluster. "agent": an
// agent sees its children end. "node": agents die with their workers, so that only missing heartbeats tell.
#include <signal.h>
#include <spdlog/fmt/fmt.h>

#include <cstdio>
#include <random>
#include <thread>

#include "bench/benchmarks.h"
#include "bench/job_group.h"
#include "bench/local_cluster.h"
#include "chaos/recorder.h"

namespace ride::bench {

namespace {

using namespace std::chrono_literals;
using chaos::Recorder;

constexpr int kActives = 3, kSpares = 2;
constexpr const char* kTopology =
    "ride: v1\nname: failover\nsources:\n"
    "  cam: { synthetic: { width: 900, height: 900, channels: 1 }, fps: 30, codec: raw }\n"
    "stages:\n  - name: stddev\n    from: [cam]\n    topic: { partitions: 6 }\n    task: stddev_filter\n"
    "    group: { min: 3, max: 3, spares: 2, cores: 1 }\n    output: { topic: failover-out, partitions: 6 }\n";
constexpr auto kCalm = 2000ms;  // tells what is usual, before each fault
constexpr auto kPatience = 20s;

double ms_between(SystemTime from, SystemTime to) { return std::chrono::duration<double, std::milli>(to - from).count(); }

// One fault, and what came of it.
struct Fault {
  double detect_ms = 0;       // until the last of the two was declared out
  double assign_ms = 0;       // until the last of their partitions had a new owner
  double first_frame_ms = 0;  // until the last of them delivered again
  chaos::Effect effect;
  std::int64_t redelivered = 0;
  bool on_spares = false;
};

class Nodes {
 public:
  Nodes(LocalCluster& cluster, bool one_each) : cluster_(cluster), one_each_(one_each) {}

  Result<void> start() {
    if (!one_each_) return run("node", kActives + kSpares, 1);
    if (auto producer = run("camera", 0, 1); !producer.ok()) return producer;
    for (int i = 1; i <= kActives + kSpares; ++i)
      if (auto node = run("node" + std::to_string(i), 1, 0); !node.ok()) return node;
    return {};
  }

  void kill_worker(const JobGroup::Worker& worker) {
    // The agent first: it must not tell what happened to its child.
    if (one_each_) agents_.at(worker.node)->send_signal(SIGKILL);
    ::kill(worker.pid, SIGKILL);
  }
  Result<void> bring_back(const JobGroup::Worker& worker) {
    if (!one_each_) return {};  // the agent does
    agents_.at(worker.node)->wait_until_ended(5s);
    return run(worker.node, 1, 0);
  }

 private:
  Result<void> run(const std::string& node, int slots, int producers) {
    auto agent = cluster_.run("ride-agent", {"--brokers", cluster_.brokers(), "--node", node, "--slots", std::to_string(slots),
                                             "--producers", std::to_string(producers)});
    if (!agent.ok()) return agent.error();
    agents_[node] = *agent;
    return {};
  }

  LocalCluster& cluster_;
  bool one_each_;
  std::map<std::string, broker::ChildProcess*> agents_;
};

std::set<int> partitions_of(const JobGroup& group, const std::set<std::string>& owners) {
  std::set<int> partitions;
  for (const auto& [partition, owner] : group.owners)
    if (owners.contains(owner)) partitions.insert(partition);
  return partitions;
}

// When the master decided, and when the frames came again.
void read_course(const Recorder& recorder, SystemTime at, const std::set<std::string>& dead, const std::set<int>& lost,
                 Fault& fault) {
  std::map<int, SystemTime> given;
  // Timestamps of the log are whole milliseconds.
  for (const auto& seen : recorder.decisions_since(at - 1ms)) {
    if (const auto* out = std::get_if<stream::WorkerOut>(&seen.decision.body); out && dead.contains(out->worker.value))
      fault.detect_ms = std::max(fault.detect_ms, ms_between(at, seen.written));
    const auto* assign = std::get_if<stream::Assign>(&seen.decision.body);
    if (assign == nullptr) continue;
    for (const auto partition : assign->partitions)
      if (lost.contains(partition.value)) given.try_emplace(partition.value, seen.written);
  }
  std::set<int> waiting = lost;
  for (const auto& [partition, when] : given) fault.assign_ms = std::max(fault.assign_ms, ms_between(at, when));
  for (const auto& one : recorder.arrivals_since(at)) {
    const auto when = given.find(one.partition.value);
    if (when == given.end() || one.arrived < when->second || waiting.erase(one.partition.value) == 0) continue;
    fault.first_frame_ms = std::max(fault.first_frame_ms, ms_between(at, one.arrived));
  }
}

Result<Fault> strike(LocalCluster& cluster, Nodes& nodes, Recorder& recorder, std::mt19937_64& random) {
  auto group = wait_for_group(cluster, "failover", "stddev", kActives, kSpares, 30s);
  if (!group.ok()) return group.error();
  // The calm before, and a random phase of ticks, heartbeats and commits.
  std::this_thread::sleep_for(kCalm + std::chrono::microseconds(random() % 500'000));
  if (group = read_group(cluster, "failover", "stddev"); !group.ok()) return group.error();
  if (!group->complete(kActives, kSpares))
    return Error{ErrorCode::internal, "the group changed without a fault: somebody was falsely declared lost?"};
  std::vector<std::string> victims(group->actives.begin(), group->actives.end());
  std::shuffle(victims.begin(), victims.end(), random);
  victims.pop_back();
  const std::set<std::string> dead(victims.begin(), victims.end());
  const auto lost = partitions_of(*group, dead);
  const auto repeated = recorder.repeated();
  const auto at = system_now();
  for (const auto& victim : victims) nodes.kill_worker(group->workers.at(victim));

  Fault fault;
  const bool recovered = wait_until(kPatience, [&] {
    fault.effect = chaos::effect_of(recorder.arrivals_since(at - kCalm), at - kCalm, at, system_now());
    return fault.effect.recovered || recorder.failed();
  });
  if (const auto failed = recorder.failed()) return *failed;
  if (!recovered) return Error{ErrorCode::timeout, "the frames did not come back to their usual lateness within 20 s"};
  read_course(recorder, at, dead, lost, fault);
  fault.redelivered = recorder.repeated() - repeated;
  auto after = read_group(cluster, "failover", "stddev");
  if (!after.ok()) return after.error();
  fault.on_spares = true;
  for (const auto partition : lost) fault.on_spares = fault.on_spares && group->spares.contains(after->owners[partition]);
  for (const auto& victim : victims)
    if (auto back = nodes.bring_back(group->workers.at(victim)); !back.ok()) return back.error();
  return fault;
}

Figures summary(const std::vector<Fault>& faults, const ledger::Statement& statement) {
  const auto middle = [&faults](auto value) {
    std::vector<double> values;
    for (const auto& fault : faults) values.push_back(value(fault));
    return median(values);
  };
  const auto most = [&faults](auto value) {
    double most = 0;
    for (const auto& fault : faults) most = std::max(most, value(fault));
    return most;
  };
  Figures figures;
  figures["runs"] = faults.size();
  figures["detect_ms"] = middle([](const Fault& one) { return one.detect_ms; });
  figures["gap_ms"] = middle([](const Fault& one) { return one.effect.gap_ms; });
  figures["full_rate_ms"] = middle([](const Fault& one) { return one.effect.full_rate_ms; });
  figures["redelivered"] = middle([](const Fault& one) { return static_cast<double>(one.redelivered); });
  figures["lost"] = statement.open();
  figures["duplicates"] = statement.twice();
  // Where the time goes, each from the fault on.
  figures["assign_ms"] = middle([](const Fault& one) { return one.assign_ms; });
  figures["first_frame_ms"] = middle([](const Fault& one) { return one.first_frame_ms; });
  figures["usual_ms"] = middle([](const Fault& one) { return one.effect.median_before_ms; });
  figures["max_detect_ms"] = most([](const Fault& one) { return one.detect_ms; });
  figures["max_gap_ms"] = most([](const Fault& one) { return one.effect.gap_ms; });
  figures["on_spares"] = std::count_if(faults.begin(), faults.end(), [](const Fault& one) { return one.on_spares; });
  figures["sent"] = statement.sent;
  return figures;
}

Result<Figures> run_kind(bool node, const Options& options, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  auto started = LocalCluster::start();
  if (!started.ok()) return started.error();
  auto& cluster = **started;
  if (auto master = cluster.run_master(); !master.ok()) return master.error();
  Nodes nodes(cluster, node);
  if (auto running = nodes.start(); !running.ok()) return running.error();
  if (auto submitted = cluster.submit(kTopology); !submitted.ok()) return submitted.error();
  if (auto running = cluster.wait_for_phase("failover", "running", 30s); !running.ok()) return running.error();
  auto recorder = Recorder::start(cluster.kafka(), "ride", JobName{"failover"}, 10s);
  if (!recorder.ok()) return recorder.error();

  std::vector<Fault> faults;
  const int runs = options.runs > 0 ? options.runs : 20;
  for (int run = 1; run <= runs; ++run) {
    auto fault = strike(cluster, nodes, **recorder, random);
    if (!fault.ok())
      return Error{fault.error().code, fmt::format("{}, run {} of {}, seed {}: {}", node ? "node" : "agent", run, runs, seed,
                                                   fault.error().message)};
    faults.push_back(*fault);
    if (options.verbose)
      fmt::print(stderr, "{} {:2}: detect {:.0f}, assign {:.0f}, first frame {:.0f}, gap {:.0f}, full rate {:.0f} ms, {} redelivered{}\n",
                 node ? "node" : "agent", run, fault->detect_ms, fault->assign_ms, fault->first_frame_ms, fault->effect.gap_ms,
                 fault->effect.full_rate_ms, fault->redelivered, fault->on_spares ? "" : ", not on the spares");
  }
  if (auto drained = cluster.drain("failover"); !drained.ok()) return drained.error();
  auto statement = (*recorder)->finish(10s);
  if (!statement.ok()) return statement.error();
  if (options.verbose || !statement->clean()) fmt::print(stderr, "{}", ledger::to_text(*statement));
  return summary(faults, *statement);
}

}  // namespace

Result<Figures> run_failover(const Options& options) {
  const auto seed = options.seed != 0 ? options.seed : std::random_device{}();
  fmt::print(stderr, "failover: seed {}\n", seed);
  Figures figures;
  for (const bool node : {false, true}) {
    const char* kind = node ? "node" : "agent";
    if (!options.only.empty() && options.only != kind) continue;
    auto part = run_kind(node, options, seed);
    if (!part.ok()) return part.error();
    figures[kind] = std::move(part).value();
  }
  if (figures.empty()) return Error{ErrorCode::invalid_argument, "--only takes agent or node"};
  return figures;
}

}  // namespace ride::bench
