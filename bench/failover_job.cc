#include "bench/failover_job.h"

#include <algorithm>
#include <csignal>
#include <thread>

namespace ride::bench {

namespace {

using namespace std::chrono_literals;

constexpr const char* kJob = "failover";
constexpr const char* kStage = "stddev";
// Three brokers on one machine write every byte of both topics three times: 146 MB/s with frames of 900x900, which two
// cores do not carry, so that a fault would show how far behind they were. There frames are small.
std::string topology(int brokers) {
  const std::string size = brokers > 1 ? "width: 320, height: 240" : "width: 900, height: 900";
  return "ride: v1\nname: failover\nsources:\n"
         "  cam: { synthetic: { " +
         size +
         ", channels: 1 }, fps: 30, codec: raw }\n"
         "stages:\n  - name: stddev\n    from: [cam]\n    topic: { partitions: 6 }\n    task: stddev_filter\n"
         "    group: { min: 3, max: 3, spares: 2, cores: 1 }\n    output: { topic: failover-out, partitions: 6 }\n";
}
constexpr auto kCalm = 2000ms;  // shows what is usual, before each fault
constexpr auto kPatience = 20s;
constexpr auto kSettle = 120s;
constexpr double kPunctualMs = 500;
constexpr std::size_t kPartitions = 6;  // as in the topology

std::set<int> partitions_of(const JobGroup& group, const std::set<std::string>& owners) {
  std::set<int> partitions;
  for (const auto& [partition, owner] : group.owners)
    if (owners.contains(owner)) partitions.insert(partition);
  return partitions;
}

}  // namespace

Result<std::unique_ptr<FailoverJob>> FailoverJob::start(bool one_worker_a_node, int brokers) {
  auto job = std::unique_ptr<FailoverJob>(new FailoverJob(one_worker_a_node));
  RIDE_ASSIGN(auto cluster, LocalCluster::start({.brokers = brokers}));
  job->cluster_ = std::move(cluster);
  RIDE_TRY(job->cluster_->run_master());
  RIDE_TRY(job->run_agents());
  RIDE_TRY(job->cluster_->submit(topology(brokers)));
  RIDE_TRY(job->cluster_->wait_for_phase(kJob, "running", 30s));
  RIDE_ASSIGN(auto recorder, chaos::Recorder::start(job->cluster_->kafka(), "ride", JobName{kJob}, 10s));
  job->recorder_ = std::move(recorder);
  return job;
}

Result<void> FailoverJob::run_agents() {
  if (!one_each_) return run_agent("node", kActives + kSpares, 1);
  RIDE_TRY(run_agent("camera", 0, 1));
  for (int i = 1; i <= kActives + kSpares; ++i) RIDE_TRY(run_agent("node" + std::to_string(i), 1, 0));
  return {};
}

Result<void> FailoverJob::run_agent(const std::string& node, int slots, int producers) {
  auto agent = cluster_->run("ride-agent", {"--brokers", cluster_->brokers(), "--node", node, "--slots",
                                            std::to_string(slots), "--producers", std::to_string(producers)});
  if (!agent.ok()) return agent.error();
  agents_[node] = *agent;
  return {};
}

void FailoverJob::kill_worker(const JobGroup::Worker& worker) {
  // The agent first: it must not report what happened to its child.
  if (one_each_) agents_.at(worker.node)->send_signal(SIGKILL);
  ::kill(worker.pid, SIGKILL);
}

Result<void> FailoverJob::bring_back(const JobGroup::Worker& worker) {
  if (!one_each_) return {};  // the agent does
  agents_.at(worker.node)->wait_until_ended(5s);
  return run_agent(worker.node, 1, 0);
}

// The calm before, and a random phase of ticks, heartbeats and commits.
Result<JobGroup> FailoverJob::calm_group(std::mt19937_64& random) {
  auto group = wait_for_group(*cluster_, kJob, kStage, kActives, kSpares, 30s);
  if (!group.ok()) return group;
  std::this_thread::sleep_for(kCalm + std::chrono::microseconds(random() % 500'000));
  group = read_group(*cluster_, kJob, kStage);
  if (group.ok() && !group->complete(kActives, kSpares))
    return Error{ErrorCode::internal, "the group changed without a fault: somebody was falsely declared lost?"};
  return group;
}

Result<Fault> FailoverJob::strike(std::size_t count, std::mt19937_64& random) {
  RIDE_ASSIGN(auto group, calm_group(random));
  std::vector<std::string> victims(group.actives.begin(), group.actives.end());
  std::shuffle(victims.begin(), victims.end(), random);
  victims.resize(std::min(count, victims.size()));
  const std::set<std::string> dead(victims.begin(), victims.end());
  const auto lost = partitions_of(group, dead);
  const auto repeated = recorder_->repeated();
  Fault fault{.at = system_now()};
  for (const auto& victim : victims) kill_worker(group.workers.at(victim));

  RIDE_TRY(watch(fault));
  read_timeline(dead, lost, fault);
  fault.redelivered = recorder_->repeated() - repeated;
  RIDE_ASSIGN(auto after, read_group(*cluster_, kJob, kStage));
  fault.on_spares = std::all_of(lost.begin(), lost.end(),
                                [&](int partition) { return group.spares.contains(after.owners[partition]); });
  for (const auto& victim : victims) RIDE_TRY(bring_back(group.workers.at(victim)));
  return fault;
}

// Until the frames are as punctual as before.
Result<void> FailoverJob::watch(Fault& fault) {
  const bool recovered = wait_until(kPatience, [&] {
    fault.effect =
        chaos::effect_of(recorder_->arrivals_since(fault.at - kCalm), fault.at - kCalm, fault.at, system_now());
    return fault.effect.recovered || recorder_->failed();
  });
  if (const auto failed = recorder_->failed()) return *failed;
  if (recovered) return {};
  // A machine with other work may be late for other reasons all the time; but frames of every partition must come.
  const auto now = system_now();
  const auto before = chaos::baseline_of(recorder_->arrivals_since(fault.at - kCalm), fault.at - kCalm, fault.at);
  const auto after = chaos::baseline_of(recorder_->arrivals_since(now - kCalm), now - kCalm, now);
  if (after.partitions == before.partitions) return {};
  return Error{ErrorCode::timeout, "20 s later frames came from " + std::to_string(after.partitions.size()) + " of " +
                                       std::to_string(before.partitions.size()) + " partitions only"};
}

// Until the frames of the last seconds came from every partition, and in time: a cluster that still catches up, or
// whose brokers are still being compiled by their virtual machines, would be measured otherwise.
Result<void> FailoverJob::wait_until_punctual() {
  chaos::Baseline last;
  const bool punctual = wait_until(kSettle, [&] {
    const auto now = system_now();
    last = chaos::baseline_of(recorder_->arrivals_since(now - kCalm), now - kCalm, now);
    return (last.partitions.size() == kPartitions && last.p99_ms < kPunctualMs) || recorder_->failed();
  });
  if (const auto failed = recorder_->failed()) return *failed;
  if (punctual) return {};
  return Error{ErrorCode::timeout, "without a fault, frames of " + std::to_string(last.partitions.size()) +
                                       " partitions come, 99 % of them within " +
                                       std::to_string(static_cast<int>(last.p99_ms)) +
                                       " ms: this machine is too slow, or too busy, for this load"};
}

Result<Fault> FailoverJob::strike_broker(int id, Blow blow, std::mt19937_64& random) {
  // Two of three have to be in sync: a broker that has come back, but has not yet caught up, does not replace another
  // one.
  RIDE_TRY(cluster_->broker_cluster().wait_until_in_sync(kSettle));
  RIDE_TRY(wait_until_punctual());
  RIDE_ASSIGN([[maybe_unused]] const auto group, calm_group(random));
  const auto repeated = recorder_->repeated();
  Fault fault{.at = system_now()};
  auto& brokers = cluster_->broker_cluster();
  if (blow == Blow::kill) brokers.kill(id);
  if (blow == Blow::stop) ::kill(brokers.pid(id), SIGSTOP);
  const auto watched = watch(fault);
  if (blow == Blow::stop) ::kill(brokers.pid(id), SIGCONT);
  if (!watched.ok()) return watched.error();
  fault.redelivered = recorder_->repeated() - repeated;
  if (blow == Blow::stop) return fault;
  RIDE_TRY(brokers.restart(id));
  return fault;
}

// When the master decided. Timestamps of the log are whole milliseconds.
void FailoverJob::read_timeline(const std::set<std::string>& dead, const std::set<int>& lost, Fault& fault) const {
  std::set<int> waiting = lost;
  for (const auto& seen : recorder_->decisions_since(fault.at - 1ms)) {
    if (const auto* out = std::get_if<stream::WorkerOut>(&seen.decision.body); out && dead.contains(out->worker.value))
      fault.detect_ms = std::max(fault.detect_ms, ms_between(fault.at, seen.written));
    const auto* assign = std::get_if<stream::Assign>(&seen.decision.body);
    if (assign == nullptr) continue;
    for (const auto partition : assign->partitions)
      if (waiting.erase(partition.value) > 0)
        fault.assign_ms = std::max(fault.assign_ms, ms_between(fault.at, seen.written));
  }
}

Result<ledger::Statement> FailoverJob::finish() {
  RIDE_TRY(cluster_->drain(kJob));
  return recorder_->finish(10s);
}

}  // namespace ride::bench
