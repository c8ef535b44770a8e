#include "master/core/apply.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <type_traits>

#include "master/core/job_change.h"
#include "master/core/snapshot.h"
#include "stream/core/control_limits.h"

namespace ride::master {

namespace {

constexpr std::size_t kOutKept = 10'000;
constexpr std::size_t kFinishedJobsKept = 200;
constexpr std::size_t kGoneKept = 100;
constexpr std::size_t kStrikesKept = 1000;  // frames of a stage

// A number that only rises, by little at once: none is used up by a single record.
template <class Number>
bool rises(Number from, Number to, std::int64_t most = stream::kMostRise) {
  return to > from && to.value - from.value <= most;
}

Job* edit_job(Hard& hard, const JobName& job, RunNumber run) {
  const auto found = hard.jobs.find(job);
  if (found == hard.jobs.end() || found->second->spec->run != run) return nullptr;
  return &found->second.edit();
}

Stage* edit_stage(Hard& hard, const StageKey& key) {
  if (hard.find(key) == nullptr) return nullptr;
  return &edit_job(hard, key.job, key.run)->stages.find(key.stage)->second.edit();
}

void set_free(Stage& stage, Partition& partition) {
  partition.previous = partition.owner;
  partition.owner = {};
  if (partition.releasing) --stage.releasing;
  partition.releasing = false;
}

// Takes the worker out of its group; what it owned there has no owner.
void leave_group(Hard& hard, const WorkerId& worker) {
  const auto* member = hard.member(worker);
  if (member == nullptr) return;
  if (auto* stage = edit_stage(hard, member->stage)) {
    stage->actives.erase(worker);
    stage->spares.erase(worker);
    for (auto& partition : stage->partitions)
      if (partition.owner == worker) set_free(*stage, partition);
  }
  hard.members.edit().erase(worker);
}

void forget_old_jobs(Hard& hard) {
  std::map<std::int64_t, JobName> finished;  // by order of submission
  for (const auto& [name, job] : hard.jobs)
    if (is_over(job->phase)) finished[job->order] = name;
  while (finished.size() > kFinishedJobsKept) {
    hard.jobs.erase(finished.begin()->second);
    finished.erase(finished.begin());
  }
}

std::size_t jobs_that_go_on(const Hard& hard) {
  return static_cast<std::size_t>(std::count_if(hard.jobs.begin(), hard.jobs.end(),
                                                [](const auto& entry) { return !is_over(entry.second->phase); }));
}

}  // namespace

std::optional<std::string> why_not_accept(const Hard& hard, const stream::JobSpec& spec) {
  const auto next = next_run(hard, spec.job);
  if (spec.run < next || spec.run.value - next.value > stream::kMostRunRise)
    return fmt::format("run {} does not follow run {}", spec.run.value, next.value - 1);
  if (!hard.runs.contains(spec.job) && hard.runs.size() >= stream::kMostJobNames)
    return fmt::format("{} names of jobs are in use, which is the most", stream::kMostJobNames);
  const auto old = hard.jobs.find(spec.job);
  const bool goes_on = old != hard.jobs.end() && !is_over(old->second->phase);
  if (!goes_on && jobs_that_go_on(hard) >= stream::kMostJobs)
    return fmt::format("{} jobs are running, which is the most", stream::kMostJobs);
  return stream::find_fault(spec);
}

namespace {

bool on(Hard&, const stream::Claim&) { return true; }
bool on(Hard&, const stream::SnapshotPart&) { return true; }  // contains what stands already

bool on(Hard& hard, const stream::JobAccepted& accepted) {
  const auto& spec = accepted.spec;
  if (const auto old = hard.jobs.find(spec.job); old != hard.jobs.end() && !is_over(old->second->phase)) return false;
  if (why_not_accept(hard, spec)) return false;
  Job job;
  job.spec = std::make_shared<const stream::JobSpec>(spec);
  job.topology = std::make_shared<const std::string>(accepted.topology);
  job.order = ++hard.accepted;
  job.submitted_at = job.phase_at = accepted.at;
  for (const auto& stage : spec.stages) {
    Stage fresh;
    fresh.partitions.resize(static_cast<std::size_t>(stage.partitions));
    job.stages.emplace(StageName{stage.name}, Cow<Stage>(std::move(fresh)));
  }
  for (const auto& source : spec.sources) job.sources[source.name];
  hard.runs[spec.job] = spec.run;
  hard.jobs.insert_or_assign(spec.job, Cow<Job>(std::move(job)));
  forget_old_jobs(hard);
  return true;
}

bool on(Hard& hard, const stream::JobPhaseChanged& changed) {
  const auto* before = hard.find(changed.job, changed.run);
  if (before == nullptr || is_over(before->phase)) return false;
  auto* job = edit_job(hard, changed.job, changed.run);
  job->phase = changed.phase;
  job->reason = changed.reason;
  job->phase_at = changed.at;
  job->ends = changed.ends;
  job->totals = changed.totals;
  if (!is_over(changed.phase)) return true;
  if (changed.phase != JobPhase::completed) job->next.reset();
  // The end of a job sets its workers free; every reader of the log does the same.
  std::vector<WorkerId> members;
  for (const auto& [name, stage] : job->stages) {
    members.insert(members.end(), stage->actives.begin(), stage->actives.end());
    members.insert(members.end(), stage->spares.begin(), stage->spares.end());
  }
  for (const auto& worker : members) leave_group(hard, worker);
  for (auto& [name, source] : edit_job(hard, changed.job, changed.run)->sources) {
    source.previous = source.producer;
    source.producer = {};
  }
  return true;
}

bool on(Hard& hard, const stream::Assign& assign) {
  const StageKey key{assign.job, assign.run, assign.stage};
  const auto* before = hard.find(key);
  const auto* member = hard.member(assign.worker);
  if (before == nullptr || member == nullptr || member->stage != key) return false;
  if (is_over(hard.find(key.job, key.run)->phase) || assign.epoch.value - before->epoch.value > stream::kMostRise)
    return false;
  for (const auto partition : assign.partitions) {
    if (partition.value < 0 || partition.value >= static_cast<int>(before->partitions.size())) return false;
    if (assign.epoch <= before->partitions[static_cast<std::size_t>(partition.value)].epoch) return false;
  }
  auto& stage = *edit_stage(hard, key);
  for (const auto id : assign.partitions) {
    auto& partition = stage.partitions[static_cast<std::size_t>(id.value)];
    if (!partition.owner.value.empty()) set_free(stage, partition);
    partition.owner = assign.worker;
    partition.epoch = assign.epoch;
  }
  stage.epoch = std::max(stage.epoch, assign.epoch);
  return true;
}

bool on(Hard& hard, const stream::Releasing& releasing) {
  const StageKey key{releasing.job, releasing.run, releasing.stage};
  const auto* before = hard.find(key);
  if (before == nullptr) return false;
  for (const auto id : releasing.partitions) {
    if (id.value < 0 || id.value >= static_cast<int>(before->partitions.size())) return false;
    if (before->partitions[static_cast<std::size_t>(id.value)].owner != releasing.worker) return false;
  }
  auto& stage = *edit_stage(hard, key);
  for (const auto id : releasing.partitions) {
    auto& partition = stage.partitions[static_cast<std::size_t>(id.value)];
    if (!partition.releasing) ++stage.releasing;
    partition.releasing = true;
    partition.deadline = releasing.deadline;
  }
  return true;
}

SessionId highest_session(const Hard& hard, const stream::AssignSource& assign) {
  const auto job = hard.sessions.find(assign.job);
  if (job == hard.sessions.end()) return {};
  const auto source = job->second.find(assign.source);
  return source == job->second.end() ? SessionId{} : source->second;
}

bool on(Hard& hard, const stream::AssignSource& assign) {
  const auto* before = hard.find(assign.job, assign.run);
  if (before == nullptr || is_over(before->phase) || hard.is_out(assign.producer)) return false;
  const auto source = before->sources.find(assign.source);
  if (source == before->sources.end() || !rises(source->second.epoch, assign.epoch)) return false;
  if (assign.session.value - highest_session(hard, assign).value > stream::kMostRise) return false;
  auto& changed = edit_job(hard, assign.job, assign.run)->sources.at(assign.source);
  if (!changed.producer.value.empty()) changed.previous = changed.producer;
  changed.producer = assign.producer;
  changed.session = assign.session;
  changed.epoch = assign.epoch;
  auto& highest = hard.sessions[assign.job][assign.source];
  highest = std::max(highest, assign.session);
  return true;
}

bool on(Hard& hard, const stream::JoinGroup& join) {
  const StageKey key{join.job, join.run, join.stage};
  const bool leaves = join.stage.value.empty();
  if (hard.is_out(join.worker)) return false;
  if (!leaves && (hard.find(key) == nullptr || is_over(hard.find(key.job, key.run)->phase))) return false;
  const auto* member = hard.member(join.worker);
  const bool stays = member != nullptr && member->stage == key;
  if (!stays) leave_group(hard, join.worker);
  if (leaves) return true;
  auto& stage = *edit_stage(hard, key);
  stage.actives.erase(join.worker);
  stage.spares.erase(join.worker);
  (join.spare ? stage.spares : stage.actives).insert(join.worker);
  hard.members.edit()[join.worker] = {key, join.spare};
  return true;
}

bool on(Hard& hard, const stream::WorkerOut& out) {
  if (hard.is_out(out.worker)) return false;
  leave_group(hard, out.worker);
  for (auto& [name, job] : hard.jobs) {
    const bool feeds = std::any_of(job->sources.begin(), job->sources.end(),
                                   [&](const auto& entry) { return entry.second.producer == out.worker; });
    if (!feeds) continue;
    for (auto& [source_name, source] : job.edit().sources) {
      if (source.producer != out.worker) continue;
      source.previous = source.producer;
      source.producer = {};
    }
  }
  auto& list = hard.out.edit();
  list.ids.insert(out.worker);
  list.order.push_back(out.worker);
  if (list.order.size() > kOutKept) {
    list.ids.erase(list.order.front());
    list.order.pop_front();
  }
  return true;
}

bool on(Hard& hard, const stream::Strike& strike) {
  const auto* job = hard.find(strike.job, strike.run);
  if (job == nullptr) return false;
  const auto* before = strikes_of(*job, strike.stage);
  if (before == nullptr) return false;
  const auto stage = job->stages.find(strike.stage);
  const bool of_stage = stage != job->stages.end();
  if (of_stage && strike.partition.value >= static_cast<int>(stage->second->partitions.size())) return false;
  if (const auto found = before->find({strike.partition, strike.offset}); found != before->end()) {
    const auto& workers = found->second.workers;
    if (workers.size() >= kMostStrikesOfFrame) return false;
    if (std::find(workers.begin(), workers.end(), strike.worker) != workers.end())
      return false;  // one end strikes once
  }
  auto& strikes = of_stage ? edit_stage(hard, {strike.job, strike.run, strike.stage})->strikes
                           : edit_job(hard, strike.job, strike.run)->sources.at(strike.stage.value).strikes;
  auto& struck = strikes[{strike.partition, strike.offset}];
  struck.workers.push_back(strike.worker);
  struck.causes.push_back(strike.cause);
  struck.quarantined = struck.quarantined || strike.condemned;
  struck.at = strike.at;
  if (strikes.size() > kStrikesKept)
    strikes.erase(std::min_element(strikes.begin(), strikes.end(),
                                   [](const auto& a, const auto& b) { return a.second.at < b.second.at; }));
  return true;
}

bool on(Hard& hard, const stream::Scale& scale) {
  const StageKey key{scale.job, scale.run, scale.stage};
  const auto* before = hard.find(key);
  if (before == nullptr || is_over(hard.find(key.job, key.run)->phase)) return false;
  if (scale.workers < 1 || scale.workers > static_cast<int>(before->partitions.size())) return false;
  auto& stage = *edit_stage(hard, key);
  stage.workers = scale.workers;
  stage.held = scale.held;
  stage.sized_because = scale.reason;
  stage.sized_at = scale.at;
  return true;
}

bool on(Hard& hard, const stream::JobChanged& changed) {
  const auto* before = hard.find(changed.spec.job, changed.spec.run);
  if (before == nullptr || is_over(before->phase) || !takes_effect_at_once(*before->spec, changed.spec)) return false;
  auto* job = edit_job(hard, changed.spec.job, changed.spec.run);
  job->spec = std::make_shared<const stream::JobSpec>(changed.spec);
  job->topology = std::make_shared<const std::string>(changed.topology);
  return true;
}

bool on(Hard& hard, const stream::JobQueued& queued) {
  const auto found = hard.jobs.find(queued.spec.job);
  if (found == hard.jobs.end() || is_over(found->second->phase)) return false;
  if (why_not_accept(hard, queued.spec)) return false;
  found->second.edit().next = std::make_shared<const stream::JobQueued>(queued);
  return true;
}

// ---- soft state follows ---------------------------------------------------------------------------------------------

void update_soft(State& state, const stream::JobAccepted& accepted) {
  auto& soft = state.soft;
  std::erase_if(soft.stages, [&](const auto& entry) { return state.hard.find(entry.first) == nullptr; });
  std::erase_if(soft.sources,
                [&](const auto& entry) { return state.hard.find(entry.first.job, entry.first.run) == nullptr; });
  for (const auto& stage : accepted.spec.stages)
    soft.stages[{accepted.spec.job, accepted.spec.run, StageName{stage.name}}].partitions.resize(
        static_cast<std::size_t>(stage.partitions));
}

void update_soft(State& state, const stream::JobPhaseChanged& changed) {
  if (is_over(changed.phase))
    state.soft.begun.erase(changed.job);
  else if (has_owners(changed.phase))
    state.soft.begun.try_emplace(changed.job, state.soft.ticks);
}

void update_soft(State& state, const stream::Assign& assign) {
  auto& reports = state.soft.stages[{assign.job, assign.run, assign.stage}];
  for (const auto partition : assign.partitions) reports.released.erase(partition);
}

void update_soft(State& state, const stream::JoinGroup& join) {
  if (const auto found = state.soft.processes.find(join.worker); found != state.soft.processes.end())
    found->second.joined_tick = state.soft.ticks;
}

void update_soft(State& state, const stream::WorkerOut& out) {
  auto& soft = state.soft;
  bool left = false;
  if (const auto leaving = soft.leaving.find(out.worker); leaving != soft.leaving.end()) {
    left = leaving->second.left;
    soft.leaving.erase(leaving);
  }
  std::erase_if(soft.rivals, [&](const auto& entry) { return entry.second.last.id == out.worker; });
  const auto found = soft.processes.find(out.worker);
  if (found == soft.processes.end()) return;
  if (out.silent)
    soft.silenced[out.worker] = {found->second.last_tick,
                                 std::max(ticks_to_loss(state, out.worker), soft.ticks - found->second.last_tick)};
  soft.gone.push_back({std::move(found->second.last), out.reason, left, out.silent, out.at});
  if (soft.gone.size() > kGoneKept) soft.gone.pop_front();
  soft.processes.erase(found);
  const auto name = soft.names.find(slot_name(out.worker));
  if (name != soft.names.end() && name->second == out.worker) soft.names.erase(name);
}

template <class Body>
void update_soft(State&, const Body&) {}

}  // namespace

bool apply_to(Hard& hard, const stream::DecisionBody& body) {
  return std::visit([&hard](const auto& one) { return on(hard, one); }, body);
}

namespace {

// Soft state beside a hard state that came as a whole.
void settle_beside(State& state) {
  auto& soft = state.soft;
  for (const auto& [name, job] : state.hard.jobs) {
    if (has_owners(job->phase)) soft.begun.try_emplace(name, soft.ticks);
    for (const auto& [stage, content] : job->stages)
      soft.stages[{name, job->spec->run, stage}].partitions.resize(content->partitions.size());
  }
  std::erase_if(soft.processes, [&](const auto& entry) { return state.hard.is_out(entry.first); });
  std::erase_if(soft.names, [&](const auto& entry) { return state.hard.is_out(entry.second); });
}

Applied apply_part(State& state, const stream::SnapshotPart& part) {
  auto snapshot = state.soft.assembler.add(part);
  if (!snapshot.ok()) return Applied::unreadable_snapshot;
  if (!*snapshot) return Applied::counted;
  auto hard = state.hard;
  restore(hard, **snapshot);
  const bool of_the_leader =
      hard.claim.epoch == state.hard.standing.epoch() && hard.claim.id == state.hard.standing.leader();
  if (!of_the_leader || find_violation(hard) || loses_files(state.hard, hard)) return Applied::unreadable_snapshot;
  state.hard = std::move(hard);
  state.soft.snapshot = part.id;
  state.soft.records = 0;
  settle_beside(state);
  return Applied::counted;
}

}  // namespace

Applied apply(State& state, const stream::Decision& decision) {
  auto& standing = state.hard.standing;
  ++state.soft.records;
  if (!standing.log().empty() && decision.log != standing.log())
    return stream::lost_the_first_race(decision) ? Applied::void_claim : Applied::foreign_log;
  if (standing.is_ahead(decision)) return Applied::contradiction;
  if (!standing.counts(decision)) return Applied::void_claim;
  if (const auto* claim = std::get_if<stream::Claim>(&decision.body)) {
    state.hard.claim = *claim;
    return Applied::counted;
  }
  if (const auto* part = std::get_if<stream::SnapshotPart>(&decision.body)) return apply_part(state, *part);
  if (!apply_to(state.hard, decision.body)) return Applied::contradiction;
  std::visit([&state](const auto& one) { update_soft(state, one); }, decision.body);
  return Applied::counted;
}

}  // namespace ride::master
