// What people ask for: a job, and changes of its phase. Every request gets one Answer.
#include <spdlog/fmt/fmt.h>

#include "common/wording.h"
#include "master/core/job_change.h"
#include "master/core/steps.h"
#include "master/core/totals.h"

namespace ride::master {

namespace {

void look_at_all(const Job& job, Due& due) {
  due.pool = due.sources = true;
  due.ends.insert(job.spec->job);
  for (const auto& [name, stage] : job.stages) due.stages.insert({job.spec->job, job.spec->run, name});
}

// What may change within a run does, in a job that goes on.
void change_at_once(Draft& draft, Due& due, const SubmitRequest& request, stream::JobSpec spec, std::string reason) {
  draft.decide(stream::JobChanged{
      .spec = std::move(spec), .topology = request.topology, .reason = std::move(reason), .at = draft.now()});
  const auto& job = draft.hard().jobs.at(request.spec.job);
  look_at_all(*job, due);
  due.sizes = true;
  draft.act(Answer{request.ticket, job->spec->run});
}

// The run that goes on is drained, and the new one follows it.
void queue_behind(Draft& draft, Due& due, const SubmitRequest& request, const Job& old, std::string reason) {
  draft.decide(stream::JobQueued{
      .spec = request.spec, .topology = request.topology, .reason = std::move(reason), .at = draft.now()});
  if (old.phase != JobPhase::draining)
    draft.decide(stream::JobPhaseChanged{
        .job = old.spec->job,
        .run = old.spec->run,
        .phase = JobPhase::draining,
        .reason =
            fmt::format("run {} follows: the sources stop, frames on their way are finished", request.spec.run.value),
        .at = draft.now(),
        .ends = request.ends});
  look_at_all(*draft.hard().find(old.spec->job, old.spec->run), due);
  draft.act(Answer{request.ticket, request.spec.run});
}

Error refusal(const SubmitRequest& request, const Job& old, const JobChange& change) {
  const auto head = fmt::format("job '{}' is there already, as run {} ({})", request.spec.job.value,
                                old.spec->run.value, to_string(old.phase));
  if (old.next != nullptr)
    return {ErrorCode::already_exists,
            fmt::format("{}, and run {} follows it: wait for that, or cancel the job", head, old.next->spec.run.value)};
  if (old.phase == JobPhase::creating) return {ErrorCode::already_exists, head + ": wait until it runs, or cancel it"};
  if (old.phase == JobPhase::draining)
    return {ErrorCode::already_exists,
            head + ": wait until it is through, or submit with --replace: then a new run follows"};
  return {ErrorCode::already_exists,
          fmt::format("{}, and what differs needs a new run: {}. Submit with --replace: run {} is drained, then run {} "
                      "begins; or submit under another name",
                      head, to_string(change.differences), old.spec->run.value, request.spec.run.value)};
}

// A job of this name goes on: only what differs is changed.
void settle_again(Draft& draft, Due& due, const SubmitRequest& request) {
  const Job old = *draft.hard().jobs.at(request.spec.job);
  auto spec = as_change_of(*old.spec, request.spec);
  const auto change = change_of(*old.spec, spec);
  const bool ends = old.phase == JobPhase::draining || old.next != nullptr;
  if (!ends && change.kind == JobChange::Kind::none) {
    draft.act(Answer{request.ticket, old.spec->run});
  } else if (!ends && change.kind == JobChange::Kind::at_once) {
    change_at_once(draft, due, request, std::move(spec), to_string(change.differences));
  } else if (!request.replace || old.next != nullptr || old.phase == JobPhase::creating) {
    draft.act(Answer{request.ticket, refusal(request, old, change)});
  } else {
    queue_behind(draft, due, request, old,
                 change.differences.empty() ? "submitted again" : to_string(change.differences));
  }
}

void settle(Draft& draft, Due& due, const SubmitRequest& request) {
  const auto& hard = draft.hard();
  const auto& name = request.spec.job;
  const auto old = hard.jobs.find(name);
  const bool goes_on = old != hard.jobs.end() && !is_over(old->second->phase);
  if (request.spec.run < next_run(hard, name)) {
    draft.act(Answer{request.ticket, Error{ErrorCode::unavailable,
                                           fmt::format("run {} of job '{}' was taken meanwhile: submit again",
                                                       request.spec.run.value, name.value),
                                           true}});
    return;
  }
  if (const auto why = why_not_accept(hard, request.spec)) {
    draft.act(Answer{request.ticket, Error{ErrorCode::invalid_argument,
                                           fmt::format("job '{}' cannot be accepted: {}", name.value, *why)}});
    return;
  }
  if (goes_on) return settle_again(draft, due, request);
  draft.decide(stream::JobAccepted{.spec = request.spec, .topology = request.topology, .at = draft.now()});
  draft.act(EnsureTopics{hard.find(name, request.spec.run)->spec});
  draft.act(Answer{request.ticket, request.spec.run});
}

// The phase that a command leads to, or why it is not possible.
Result<JobPhase> next_phase(const Job& job, PhaseCommand command) {
  const auto phase = job.phase;
  const auto forbid = [&](const char* hint) -> Result<JobPhase> {
    return Error{ErrorCode::already_exists, fmt::format("cannot {} job '{}': it {}; {}", to_string(command),
                                                        job.spec->job.value, phase_in_words(to_string(phase)), hint)};
  };
  switch (command) {
    case PhaseCommand::pause:
      if (phase == JobPhase::running) return JobPhase::paused;
      return forbid("only a running job can be paused");
    case PhaseCommand::resume:
      if (phase == JobPhase::paused) return JobPhase::running;
      return forbid("only a paused job can be resumed");
    case PhaseCommand::drain:
      if (phase == JobPhase::running || phase == JobPhase::paused) return JobPhase::draining;
      return forbid("only a running or a paused job can be drained");
    case PhaseCommand::cancel:
      if (!is_over(phase)) return JobPhase::cancelled;
      return forbid("it is over; to remove what it left, cancel it with its topics");
  }
  return forbid("");
}

const char* reason_of(PhaseCommand command) {
  switch (command) {
    case PhaseCommand::pause:
      return "paused on request";
    case PhaseCommand::resume:
      return "resumed on request";
    case PhaseCommand::drain:
      return "on request: the sources stop, frames on their way are finished";
    case PhaseCommand::cancel:
      return "cancelled on request";
  }
  return "";
}

void settle(Draft& draft, State& state, Due& due, const PhaseRequest& request) {
  const auto found = draft.hard().jobs.find(request.job);
  if (found == draft.hard().jobs.end()) {
    draft.act(
        Answer{request.ticket, Error{ErrorCode::not_found, fmt::format("there is no job '{}'", request.job.value)}});
    return;
  }
  const auto spec = found->second->spec;
  const bool deletes = request.command == PhaseCommand::cancel && request.delete_topics;
  if (!(deletes && is_over(found->second->phase))) {
    const auto phase = next_phase(*found->second, request.command);
    if (!phase.ok()) {
      draft.act(Answer{request.ticket, phase.error()});
      return;
    }
    std::string reason = reason_of(request.command);
    if (const auto& next = found->second->next; next != nullptr && is_over(*phase))
      reason += fmt::format("; run {}, which was waiting to follow it, is dropped", next->spec.run.value);
    draft.decide(
        stream::JobPhaseChanged{.job = spec->job,
                                .run = spec->run,
                                .phase = *phase,
                                .reason = std::move(reason),
                                .at = draft.now(),
                                .ends = *phase == JobPhase::draining ? request.ends : stream::LogEnds(),
                                .totals = is_over(*phase) ? totals_of(state, *found->second) : stream::FrameTotals()});
    look_at_all(*draft.hard().find(spec->job, spec->run), due);
  }
  if (deletes) {
    state.soft.deletions.push_back({spec, draft.now()});
    due.deadlines = true;
  }
  draft.act(Answer{request.ticket, spec->run});
}

// One group: what it shall be from now on, or why not.
Result<void> settle_scale(Draft& draft, const ScaleRequest& request, const Job& job, const stream::StageSpec& spec) {
  const StageName name{spec.name};
  const auto& stage = *job.stages.at(name);
  const int now = wanted_workers(spec, stage);
  const int wanted = request.workers.value_or(now);
  if (wanted < 1 || wanted > spec.partitions)
    return Error{ErrorCode::invalid_argument,
                 fmt::format("{} cannot have {} workers: give 1 to {}, at most one for each partition of its topic",
                             spec.name, wanted, spec.partitions)};
  std::string reason = request.workers ? fmt::format("{} → {}: on request", now, wanted)
                       : request.hold  ? fmt::format("held at {} on request", wanted)
                                       : fmt::format("sized by its frame rate again, from {} on", wanted);
  if (request.workers && request.hold) reason += ", and held there";
  draft.decide(stream::Scale{.job = job.spec->job,
                             .run = job.spec->run,
                             .stage = name,
                             .workers = wanted,
                             .held = request.hold,
                             .reason = std::move(reason),
                             .at = draft.now()});
  return {};
}

std::string stage_names(const stream::JobSpec& spec) {
  std::string names;
  for (const auto& stage : spec.stages) names += (names.empty() ? "" : ", ") + stage.name;
  return names;
}

void settle(Draft& draft, Due& due, const ScaleRequest& request) {
  const auto refuse = [&](ErrorCode code, std::string why) {
    draft.act(Answer{request.ticket, Error{code, std::move(why)}});
  };
  const auto found = draft.hard().jobs.find(request.job);
  if (found == draft.hard().jobs.end())
    return refuse(ErrorCode::not_found, fmt::format("there is no job '{}'", request.job.value));
  const Job job = *found->second;
  if (is_over(job.phase))
    return refuse(ErrorCode::already_exists, fmt::format("job '{}' {}: it no longer has groups", request.job.value,
                                                         phase_in_words(to_string(job.phase))));
  if (!request.stage.value.empty() && job.spec->stage(request.stage.value) == nullptr)
    return refuse(ErrorCode::not_found, fmt::format("job '{}' has no stage '{}'; its stages: {}", request.job.value,
                                                    request.stage.value, stage_names(*job.spec)));
  for (const auto& spec : job.spec->stages) {
    if (!request.stage.value.empty() && spec.name != request.stage.value) continue;
    if (auto done = settle_scale(draft, request, job, spec); !done.ok()) {
      draft.act(Answer{request.ticket, done.error()});
      return;
    }
    due.stages.insert({job.spec->job, job.spec->run, StageName{spec.name}});
  }
  due.pool = true;
  draft.act(Answer{request.ticket, job.spec->run});
}

}  // namespace

void settle_requests(Draft& draft, State& state, Due& due) {
  for (const auto& request : due.submits) settle(draft, due, request);
  for (const auto& request : due.phases) settle(draft, state, due, request);
  for (const auto& request : due.scales) settle(draft, due, request);
}

}  // namespace ride::master
