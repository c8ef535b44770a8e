// Sources belong to producers, as partitions belong to workers: the least busy one takes the next source, respecting
// the node that its device or folder is on. A source is not moved while its producer lives: opening a camera costs
// frames.
#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/wording.h"
#include "master/core/steps.h"
#include "master/core/totals.h"
#include "source_kinds/source_decl.h"
#include "stream/core/control_limits.h"

namespace ride::master {

namespace {

class Feeders {
 public:
  Feeders(Draft& draft, State& state) : draft_(draft), state_(state) {
    for (const auto& [id, process] : state.soft.processes)
      if (process.heard && process.last.kind == ProcessKind::producer && !draft.hard().is_out(id)) loads_[id] = 0;
    for (const auto& [name, job] : draft.hard().jobs) {
      if (!has_owners(job->phase)) continue;
      for (const auto& [source_name, source] : job->sources)
        if (const auto found = loads_.find(source.producer); found != loads_.end()) ++found->second;
    }
  }

  void place() {
    std::map<std::int64_t, std::shared_ptr<const stream::JobSpec>> jobs;  // by order of submission
    for (const auto& [name, job] : draft_.hard().jobs)
      if (has_owners(job->phase)) jobs[job->order] = job->spec;
    for (const auto& [order, spec] : jobs)
      for (const auto& source : spec->sources) place(*spec, source);
  }

 private:
  void place(const stream::JobSpec& spec, const stream::SourceSpec& source) {
    const auto& mine = draft_.hard().find(spec.job, spec.run)->sources.at(source.name);
    auto& reports = state_.soft.sources[{spec.job, spec.run, source.name}];
    if (!mine.producer.value.empty() || reports.ended) return;
    if (mine.epoch.value == 0 && !may_open(spec)) {
      state_.soft.sources_again = true;
      return;
    }
    const auto producer = best(source);
    if (!producer) {
      notify_waiting(spec, source, reports);
      return;
    }
    reports.waiting.clear();
    const auto session = next_session(spec.job, source, mine);
    const auto feeds = counted(++loads_[*producer], "source");
    auto reason = mine.previous.value.empty()
                      ? fmt::format("{} feeds {}", producer->value, feeds)
                      : fmt::format("{} is out; {} feeds {}", mine.previous.value, producer->value, feeds);
    const Epoch epoch{mine.epoch.value + 1};
    auto before = reported_before(reports, mine.session, session);
    draft_.decide(stream::AssignSource{.job = spec.job,
                                       .run = spec.run,
                                       .source = source.name,
                                       .producer = *producer,
                                       .session = session,
                                       .epoch = epoch,
                                       .reason = std::move(reason),
                                       .at = draft_.now(),
                                       .before = before});
  }

  // What its owners so far reported: the next one continues the counts.
  static stream::SourceBefore reported_before(const SourceReports& reports, SessionId previous, SessionId session) {
    const auto& last = reports.last;
    if (last.session.value == 0) return {.session = previous == session ? SessionId{} : previous};  // no report yet
    const bool goes_on = last.session == session;  // it counts itself what stands in its session
    const auto counter = [](std::int64_t count) { return std::clamp<std::int64_t>(count, 0, stream::kMostFrames); };
    return {.session = goes_on ? SessionId{} : last.session,
            .frames = counter(reported_frames(&reports) - last.frames),
            .told = goes_on ? 0 : counter(last.frames),
            .captured = goes_on ? 0 : counter(last.captured),
            .unwritten = counter(last.unwritten),
            .dropped = counter(last.dropped),
            .rejected = counter(last.rejected),
            .gaps = counter(last.gaps),
            .longest_gap_ms = last.longest_gap_ms};
  }

  // Where every owner knows the numbers, it goes on in its first session (decisions 0034 and 0018); all else begins a
  // new one. It rises over the runs of the job, too: what an earlier one wrote stands in files that are named by
  // source, session and number.
  SessionId next_session(const JobName& job, const stream::SourceSpec& source, const Source& mine) const {
    if (keeps_session(source.kind, source.finite) && mine.session.value > 0) return mine.session;
    const auto& all = draft_.hard().sessions;
    const auto sources = all.find(job);
    if (sources == all.end()) return SessionId{1};
    const auto highest = sources->second.find(source.name);
    return SessionId{highest == sources->second.end() ? 1 : highest->second.value + 1};
  }

  // A new job's frames should find warm owners, not wait for tasks to open; but a stage without workers stops no
  // camera.
  bool may_open(const stream::JobSpec& spec) const {
    if (ticks_since_begin(state_, spec.job) >= state_.rules.open_ticks) return true;
    for (const auto& [name, stage] : draft_.hard().find(spec.job, spec.run)->stages)
      for (const auto& partition : stage->partitions)
        if (!is_warm(partition.owner, spec.job, name)) return false;
    return true;
  }

  bool is_warm(const WorkerId& worker, const JobName& job, const StageName& stage) const {
    const auto found = state_.soft.processes.find(worker);
    return found != state_.soft.processes.end() && found->second.last.warm &&
           found->second.last.group == job.value + "/" + stage.value;
  }

  std::optional<WorkerId> best(const stream::SourceSpec& source) const {
    const std::pair<const WorkerId, int>* best = nullptr;
    for (const auto& one : loads_) {
      if (!source.node.empty() && state_.soft.processes.at(one.first).last.node.value != source.node) continue;
      if (best == nullptr || one.second < best->second) best = &one;
    }
    return best == nullptr ? std::nullopt : std::optional(best->first);
  }

  void notify_waiting(const stream::JobSpec& spec, const stream::SourceSpec& source, SourceReports& reports) {
    auto text = source.node.empty()
                    ? fmt::format("source {} waits: there is no producer", source.name)
                    : fmt::format("source {} waits: there is no producer on node {}", source.name, source.node);
    if (text == reports.waiting) return;
    reports.waiting = text;
    draft_.act(Notify{.severity = stream::Severity::warning,
                      .code = "source_waits",
                      .job = spec.job.value,
                      .stage = source.name,
                      .text = std::move(text)});
  }

  Draft& draft_;
  State& state_;
  std::map<WorkerId, int> loads_;
};

}  // namespace

void place_sources(Draft& draft, State& state, Due& due) {
  if (!due.sources) return;
  Feeders(draft, state).place();
}

}  // namespace ride::master
