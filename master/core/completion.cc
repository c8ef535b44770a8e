// How jobs begin and end by themselves: topics made or not, a fatal notice, the end of a finite input (decision 0040),
// and the topics that go with a job.
#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/wording.h"
#include "master/core/steps.h"
#include "master/core/totals.h"

namespace ride::master {

namespace {

constexpr std::chrono::seconds kDeletionPatience{5};

void change_phase(Draft& draft, const State& state, Due& due, const Job& job, JobPhase phase, std::string reason) {
  const auto name = job.spec->job;
  const auto run = job.spec->run;
  draft.decide(stream::JobPhaseChanged{.job = name,
                                       .run = run,
                                       .phase = phase,
                                       .reason = std::move(reason),
                                       .at = draft.now(),
                                       .totals = is_over(phase) ? totals_of(state, job) : stream::FrameTotals()});
  due.pool = due.sources = true;
  for (const auto& [stage, state] : draft.hard().find(name, run)->stages) due.stages.insert({name, run, stage});
}

void settle(Draft& draft, const State& state, Due& due, const TopicsOutcome& outcome) {
  const auto* job = draft.hard().find(outcome.job, outcome.run);
  if (job == nullptr || job->phase != JobPhase::creating) return;  // cancelled meanwhile, or reported twice
  if (outcome.failure)
    change_phase(draft, state, due, *job, JobPhase::failed, *outcome.failure);
  else
    change_phase(draft, state, due, *job, JobPhase::running, "topics are ready");
}

void settle(Draft& draft, const State& state, Due& due, const FatalNotice& notice) {
  const auto found = draft.hard().jobs.find(JobName{notice.job});
  if (found == draft.hard().jobs.end() || is_over(found->second->phase)) return;
  change_phase(draft, state, due, *found->second, JobPhase::failed, notice.text);
}

// Every stage took the end in every partition. Lag 0 would prove nothing; and the last stages alone would do, but the
// others' last commits and counters should be in before their workers are set free.
bool is_complete(const State& state, const Job& job) {
  for (const auto& stage : job.spec->stages) {
    const auto reports = state.soft.stages.find({job.spec->job, job.spec->run, StageName{stage.name}});
    if (reports == state.soft.stages.end() || reports->second.ended < stage.partitions) return false;
  }
  return !job.spec->stages.empty();
}

std::string summary(const State& state, const Job& job, SystemTime now) {
  auto text = fmt::format("the end went through all stages: {} in", counted(totals_of(state, job).in, "frame"));
  for (const auto& stage : job.spec->stages) {
    if (!is_last(stage)) continue;
    const auto reports = state.soft.stages.find({job.spec->job, job.spec->run, StageName{stage.name}});
    std::int64_t acked = 0;
    for (const auto& partition : reports->second.partitions) acked += partition.counters.acked;
    text += fmt::format(", {} ACKed by {}", acked, stage.name);
  }
  return text + fmt::format(", {:.1f} s after submit", std::chrono::duration<double>(now - job.submitted_at).count());
}

// The run that was to follow begins.
void begin_next(Draft& draft, const JobName& name) {
  const auto next = draft.hard().jobs.at(name)->next;
  if (next == nullptr) return;
  if (const auto why = why_not_accept(draft.hard(), next->spec)) {
    draft.act(Notify{.severity = stream::Severity::error,
                     .code = "job_refused",
                     .job = name.value,
                     .text = fmt::format("run {} of job {} cannot begin: {}", next->spec.run.value, name.value, *why)});
    return;
  }
  draft.decide(stream::JobAccepted{.spec = next->spec, .topology = next->topology, .at = draft.now()});
  draft.act(EnsureTopics{draft.hard().find(name, next->spec.run)->spec});
}

bool is_used(const State& state, const stream::JobSpec& spec) {
  for (const auto& [id, process] : state.soft.processes) {
    for (const auto& partition : process.last.partitions)
      if (partition.job == spec.job && partition.run == spec.run) return true;
    for (const auto& source : process.last.sources)
      if (source.job == spec.job && source.run == spec.run) return true;
  }
  return false;
}

}  // namespace

void settle_jobs(Draft& draft, State& state, Due& due) {
  for (const auto& outcome : due.topics) settle(draft, state, due, outcome);
  for (const auto& notice : due.fatal) settle(draft, state, due, notice);
  for (const auto& name : due.ends) {
    const auto found = draft.hard().jobs.find(name);
    if (found == draft.hard().jobs.end()) continue;
    if (has_owners(found->second->phase) && is_complete(state, *found->second))
      change_phase(draft, state, due, *found->second, JobPhase::completed, summary(state, *found->second, draft.now()));
    // Also when a master died between the two.
    if (draft.hard().jobs.at(name)->phase == JobPhase::completed) begin_next(draft, name);
  }
}

void delete_topics(Draft& draft, State& state, Due& due) {
  if (!due.deadlines) return;
  std::erase_if(state.soft.deletions, [&](const Deletion& deletion) {
    if (is_used(state, *deletion.spec) && draft.now() - deletion.since < kDeletionPatience) return false;
    draft.act(DeleteTopics{deletion.spec});
    return true;
  });
}

}  // namespace ride::master
