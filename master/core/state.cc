#include "master/core/state.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/check.h"
#include "stream/core/job_phase.h"

namespace ride::master {

std::string to_string(const StageKey& key) {
  return fmt::format("{}/{}/{}", key.job.value, key.run.value, key.stage.value);
}

const stream::StageSpec& Job::stage_spec(const StageName& stage) const {
  const auto* found = spec->stage(stage.value);
  RIDE_CHECK(found != nullptr, "every stage of a job has its declaration");
  return *found;
}

const stream::SourceSpec& Job::source_spec(const std::string& source) const {
  const auto* found = spec->source(source);
  RIDE_CHECK(found != nullptr, "every source of a job has its declaration");
  return *found;
}

const Job* Hard::find(const JobName& job, RunNumber run) const {
  const auto found = jobs.find(job);
  if (found == jobs.end() || found->second->spec->run != run) return nullptr;
  return &*found->second;
}

const Stage* Hard::find(const StageKey& key) const {
  const Job* job = find(key.job, key.run);
  if (job == nullptr) return nullptr;
  const auto found = job->stages.find(key.stage);
  return found == job->stages.end() ? nullptr : &*found->second;
}

const Membership* Hard::member(const WorkerId& worker) const {
  const auto found = members->find(worker);
  return found == members->end() ? nullptr : &found->second;
}

bool Hard::is_out(const WorkerId& worker) const { return out->ids.contains(worker); }

bool Job::operator==(const Job& other) const {
  const bool same_next = (next == nullptr) == (other.next == nullptr) && (next == nullptr || *next == *other.next);
  return same_next && *spec == *other.spec && *topology == *other.topology && order == other.order &&
         submitted_at == other.submitted_at && phase == other.phase && reason == other.reason &&
         phase_at == other.phase_at && ends == other.ends && totals == other.totals && stages == other.stages &&
         sources == other.sources;
}

bool is_over(JobPhase phase) { return stream::phase_is_over(phase); }
bool has_owners(JobPhase phase) { return !is_over(phase) && phase != JobPhase::creating; }

const char* to_string(PhaseCommand command) {
  switch (command) {
    case PhaseCommand::pause:
      return "pause";
    case PhaseCommand::resume:
      return "resume";
    case PhaseCommand::drain:
      return "drain";
    case PhaseCommand::cancel:
      return "cancel";
  }
  return "";
}

std::optional<PhaseCommand> parse_phase_command(const std::string& text) {
  for (const auto command : {PhaseCommand::pause, PhaseCommand::resume, PhaseCommand::drain, PhaseCommand::cancel})
    if (text == to_string(command)) return command;
  return std::nullopt;
}

bool Due::any() const {
  return everything || pool || sources || deadlines || snapshot || sizes || mass_silent > 0 || refused > 0 ||
         !loads.empty() || !departures.empty() || !names_taken.empty() || !exits.empty() || !submits.empty() ||
         !phases.empty() || !scales.empty() || !topics.empty() || !fatal.empty() || !stages.empty() || !ends.empty();
}

std::chrono::milliseconds tick_interval(const State& state) {
  // Who has nothing to do counts little, so that names that somebody made up do not slow the clock.
  const auto at_work = static_cast<std::int64_t>(state.hard.members->size()) + state.soft.admission.feeding;
  const auto others = static_cast<std::int64_t>(state.soft.processes.size()) - at_work;
  return std::max(state.rules.tick_interval,
                  std::chrono::milliseconds(at_work + std::clamp<std::int64_t>(others, 0, 100)));
}

std::int64_t ticks_to_loss(const State& state, const WorkerId& worker) {
  if (state.soft.loss_backoffs.empty()) return state.rules.ticks_to_loss;
  const auto found = state.soft.loss_backoffs.find(slot_name(worker));
  return state.rules.ticks_to_loss * (found == state.soft.loss_backoffs.end() ? 1 : found->second.factor);
}

int wanted_workers(const stream::StageSpec& spec, const Stage& stage) {
  const int most = std::max(1, spec.partitions);
  if (stage.held) return std::clamp(stage.workers, 1, most);
  const int least = std::clamp(spec.group.min, 1, most);
  return std::clamp(stage.workers, least, std::clamp(spec.group.max, least, most));
}

std::int64_t ticks_since_begin(const State& state, const JobName& job) {
  const auto found = state.soft.begun.find(job);
  return found == state.soft.begun.end() ? 0 : state.soft.ticks - found->second;
}

RunNumber next_run(const Hard& hard, const JobName& job) {
  const auto found = hard.runs.find(job);
  return RunNumber{found == hard.runs.end() ? 1 : found->second.value + 1};
}

std::string slot_name(const WorkerId& incarnation) { return incarnation.value.substr(0, incarnation.value.find('#')); }

const std::map<FramePlace, StruckFrame>* strikes_of(const Job& job, const StageName& name) {
  if (const auto stage = job.stages.find(name); stage != job.stages.end()) return &stage->second->strikes;
  const auto source = job.sources.find(name.value);
  return source == job.sources.end() ? nullptr : &source->second.strikes;
}

}  // namespace ride::master
