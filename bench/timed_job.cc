#include "bench/timed_job.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace ride::bench {

namespace {

using namespace std::chrono_literals;

std::string topology(const TimedPlan& plan) {
  return fmt::format(
      "ride: v1\nname: {0}\nsources:\n  cam: {1}\nstages:\n  - name: {2}\n    from: [cam]\n"
      "    topic: {{ partitions: {3} }}\n    task: delay\n    params: {{ ms: {4} }}\n    group: {5}\n"
      "    output: {{ topic: {0}-out, partitions: {3} }}\n",
      TimedJob::kJob, plan.source, TimedJob::kStage, plan.partitions, plan.work_ms, plan.group);
}

}  // namespace

Result<std::unique_ptr<LocalCluster>> cluster_with_agent(int slots) {
  RIDE_ASSIGN(auto cluster, LocalCluster::start());
  RIDE_TRY(cluster->run_master());
  RIDE_TRY(cluster->run("ride-agent",
                        {"--brokers", cluster->brokers(), "--node", "node", "--slots", std::to_string(slots)}));
  return cluster;
}

Result<std::unique_ptr<TimedJob>> TimedJob::start(const TimedPlan& plan) {
  RIDE_ASSIGN(auto cluster, cluster_with_agent(plan.slots));
  return start_on(std::move(cluster), plan);
}

Result<std::unique_ptr<TimedJob>> TimedJob::start_on(std::unique_ptr<LocalCluster> cluster, const TimedPlan& plan) {
  auto job = std::unique_ptr<TimedJob>(new TimedJob(std::move(cluster)));
  const bool joined = wait_until(60s, [&] {
    auto workers = job->cluster_->get("/workers");
    if (!workers.ok()) return false;
    const auto& all = workers->at("workers");
    return std::count_if(all.begin(), all.end(), [](const auto& one) {
             return one.value("state", "") == "live" && one.value("kind", "") == "worker";
           }) >= plan.slots;
  });
  if (!joined) return Error{ErrorCode::timeout, fmt::format("not all of {} workers joined", plan.slots)};
  RIDE_TRY(job->cluster_->submit(topology(plan)));
  RIDE_TRY(job->cluster_->wait_for_phase(kJob, "running", 30s));
  RIDE_ASSIGN(auto recorder, chaos::Recorder::start(job->cluster_->kafka(), "ride", JobName{kJob}, 10s));
  job->recorder_ = std::move(recorder);
  return job;
}

Result<void> TimedJob::scale(int workers) {
  return cluster_->post(fmt::format("/jobs/{}/stages/{}/scale", kJob, kStage), {{"workers", workers}});
}

Result<void> TimedJob::wait_for_owners(std::size_t workers, std::chrono::seconds timeout) {
  if (wait_until(timeout, [&] { return recorder_->owners().size() == workers || recorder_->failed(); })) {
    if (const auto failed = recorder_->failed()) return *failed;
    return {};
  }
  return Error{ErrorCode::timeout, fmt::format("{} workers own partitions after {} s, not {}",
                                               recorder_->owners().size(), timeout.count(), workers)};
}

std::vector<SizeChange> TimedJob::sizes_since(SystemTime since) const {
  std::vector<SizeChange> sizes;
  for (const auto& seen : recorder_->decisions_since(since - 1ms))
    if (const auto* scale = std::get_if<stream::Scale>(&seen.decision.body);
        scale != nullptr && scale->job.value == kJob)
      sizes.push_back({seen.written, scale->workers, scale->reason});
  return sizes;
}

Result<ledger::Statement> TimedJob::finish() {
  RIDE_TRY(cluster_->drain(kJob));
  return recorder_->finish(10s);
}

double rate_between(const std::vector<chaos::Arrival>& arrivals, SystemTime from, SystemTime to) {
  const auto count = std::count_if(arrivals.begin(), arrivals.end(),
                                   [&](const auto& one) { return one.arrived >= from && one.arrived < to; });
  return static_cast<double>(count) / std::chrono::duration<double>(to - from).count();
}

}  // namespace ride::bench
