#include "chaos/experiment.h"

#include <algorithm>

#include "chaos/fault_runner.h"
#include "chaos/recorder.h"
#include "stream/core/job_phase.h"

namespace ride::chaos {

using cluster::wait_until;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {

// Workers come one after the other, and brokers warm up: the calm must show what is usual.
Result<void> wait_for_frames(const Recorder& recorder, std::stop_token stop) {
  const auto since = system_now();
  const auto flows = [&] {
    const auto now = system_now();
    const auto arrivals = recorder.arrivals_since(now - 2s);
    const bool punctual = baseline_of(arrivals, now - 2s, now).p99_ms < 250 || now - since > 20s;
    return recorder.failed() || (recorder.phase() == stream::JobPhase::running && punctual && arrivals.size() > 5);
  };
  if (!wait_until(180s, flows, stop))
    return Error{stop.stop_requested() ? ErrorCode::cancelled : ErrorCode::timeout,
                 "the job delivers no frames in time: it needs more "
                 "workers (nodes x slots), or its sources give none"};
  if (const auto failed = recorder.failed()) return *failed;
  return {};
}

// At whichever master leads: it may just be changing.
Result<void> drain(const ExperimentOptions& options, const Recorder& recorder, const std::string& first_url,
                   std::stop_token stop) {
  Result<void> drained;
  const bool done = wait_until(
      90s,
      [&] {
        const auto url = recorder.leader_url();
        drained = options.drain(url.empty() ? first_url : url, recorder.spec().job);
        return drained.ok();
      },
      stop);
  if (!done) return drained;
  return {};
}

}  // namespace

Result<ExperimentResult> run_experiment(const ExperimentOptions& options, std::stop_token stop) {
  auto sizes = options.test_cluster;
  sizes.brokers = options.plan.brokers;
  sizes.masters = options.plan.masters;
  sizes.nodes = options.plan.nodes;
  sizes.slots = options.plan.slots;
  const auto cuts = [](const auto& list) {
    return std::any_of(list.begin(), list.end(), [](const auto& one) { return one.kind == FaultKind::cut; });
  };
  sizes.gates = cuts(options.plan.faults) || cuts(options.plan.random);
  options.say("starting brokers, masters and nodes");
  RIDE_ASSIGN(auto test_cluster, TestCluster::start(sizes, stop));
  RIDE_ASSIGN(auto job, options.submit(test_cluster->master_url()));
  RIDE_ASSIGN(auto recorder, Recorder::start(test_cluster->kafka(), test_cluster->prefix(), job, 30s));
  RIDE_TRY(wait_for_frames(*recorder, stop));
  options.say("frames flow; the calm before");

  FaultRunner fault_runner(*test_cluster, *recorder, options.plan, options.seed, options.say);
  RIDE_TRY(fault_runner.run(stop));
  options.say("draining the job");
  RIDE_TRY(drain(options, *recorder, test_cluster->master_url(), stop));
  ExperimentResult result;
  result.completed = wait_until(
      180s, [&] { return stream::phase_is_over(recorder->phase()); }, stop);
  result.timeline = fault_runner.timeline();
  RIDE_ASSIGN(auto statement, recorder->finish(10s));
  result.statement = std::move(statement);
  result.files = recorder->sink_files(sizes.work.empty() ? sizes.folder : sizes.work);
  result.report = fault_runner.report(result.statement);
  return result;
}

}  // namespace ride::chaos
