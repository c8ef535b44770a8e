#include "chaos/trial.h"

#include <algorithm>
#include <thread>

#include "chaos/campaign.h"
#include "chaos/recorder.h"

namespace ride::chaos {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {

bool wait_until(std::chrono::milliseconds timeout, std::stop_token stop, const std::function<bool()>& condition) {
  const auto deadline = steady_clock::now() + timeout;
  while (!condition()) {
    if (steady_clock::now() >= deadline || stop.stop_requested()) return false;
    std::this_thread::sleep_for(20ms);
  }
  return true;
}

// Workers come one after the other, and brokers warm up: the calm must show what is usual.
Result<void> wait_for_frames(const Recorder& recorder, std::stop_token stop) {
  const auto since = system_now();
  const auto flows = [&] {
    const auto now = system_now();
    const auto arrivals = recorder.arrivals_since(now - 2s);
    const bool punctual = baseline_of(arrivals, now - 2s, now).p99_ms < 250 || now - since > 20s;
    return recorder.failed() || (recorder.phase() == stream::JobPhase::running && punctual && arrivals.size() > 5);
  };
  if (!wait_until(60s, stop, flows))
    return Error{stop.stop_requested() ? ErrorCode::cancelled : ErrorCode::timeout, "the job delivers no frames in time: it needs more "
                                                                                    "workers (nodes x slots), or its sources give none"};
  if (const auto failed = recorder.failed()) return *failed;
  return {};
}

// At whichever master leads: it may just be changing.
Result<void> drain(const TrialOptions& options, const Recorder& recorder, const std::string& first_url, std::stop_token stop) {
  Result<void> drained;
  const bool done = wait_until(30s, stop, [&] {
    const auto url = recorder.leader_url();
    drained = options.drain(url.empty() ? first_url : url, recorder.spec().job);
    return drained.ok();
  });
  if (!done) return drained;
  return {};
}

}  // namespace

Result<TrialResult> run_trial(const TrialOptions& options, std::stop_token stop) {
  auto sizes = options.arena;
  sizes.brokers = options.plan.brokers;
  sizes.masters = options.plan.masters;
  sizes.nodes = options.plan.nodes;
  sizes.slots = options.plan.slots;
  const auto cuts = [](const auto& list) {
    return std::any_of(list.begin(), list.end(), [](const auto& one) { return one.kind == FaultKind::cut; });
  };
  sizes.gates = cuts(options.plan.faults) || cuts(options.plan.random);
  options.say("starting brokers, masters and nodes");
  auto arena = Arena::start(sizes, stop);
  if (!arena.ok()) return arena.error();
  auto job = options.submit((*arena)->master_url());
  if (!job.ok()) return job.error();
  auto recorder = Recorder::start((*arena)->kafka(), (*arena)->prefix(), *job, 30s);
  if (!recorder.ok()) return recorder.error();
  if (auto flowing = wait_for_frames(**recorder, stop); !flowing.ok()) return flowing.error();
  options.say("frames flow; the calm before");

  Campaign campaign(**arena, **recorder, options.plan, options.seed, options.say);
  if (auto done = campaign.run(stop); !done.ok()) return done.error();
  options.say("draining the job");
  if (auto drained = drain(options, **recorder, (*arena)->master_url(), stop); !drained.ok()) return drained.error();
  TrialResult result;
  result.completed = wait_until(60s, stop, [&] { return ledger::JobLog::is_over((*recorder)->phase()); });
  result.course = campaign.course();
  auto statement = (*recorder)->finish(10s);
  if (!statement.ok()) return statement.error();
  result.statement = std::move(statement).value();
  result.files = (*recorder)->sink_files(sizes.work.empty() ? sizes.folder : sizes.work);
  result.report = campaign.report(result.statement);
  return result;
}

}  // namespace ride::chaos
