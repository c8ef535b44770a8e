#include "master/core/snapshot.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "master/core/steps.h"
#include "stream/core/control_limits.h"

namespace ride::master {

namespace {

std::vector<stream::Strike> capture(const StageKey& key, const std::map<FramePlace, StruckFrame>& struck) {
  std::vector<stream::Strike> strikes;
  for (const auto& [place, frame] : struck)
    for (std::size_t i = 0; i < frame.workers.size(); ++i)
      strikes.push_back({.job = key.job,
                         .run = key.run,
                         .stage = key.stage,
                         .partition = place.first,
                         .offset = place.second,
                         .worker = frame.workers[i],
                         .cause = frame.causes[i],
                         .count = static_cast<int>(i) + 1,
                         .condemned = frame.quarantined && i + 1 == frame.workers.size(),
                         .at = frame.at});
  return strikes;
}

stream::Snapshot::Stage capture(const StageKey& key, const Stage& stage) {
  stream::Snapshot::Stage copy{.name = key.stage, .epoch = stage.epoch};
  copy.actives.assign(stage.actives.begin(), stage.actives.end());
  copy.spares.assign(stage.spares.begin(), stage.spares.end());
  for (const auto& one : stage.partitions)
    copy.partitions.push_back({one.owner, one.previous, one.epoch, one.releasing, one.deadline});
  copy.workers = stage.workers;
  copy.held = stage.held;
  copy.sized_because = stage.sized_because;
  copy.sized_at = stage.sized_at;
  copy.strikes = capture(key, stage.strikes);
  return copy;
}

stream::Snapshot::Job capture(const Job& job) {
  stream::Snapshot::Job copy{.spec = *job.spec,
                             .topology = *job.topology,
                             .order = job.order,
                             .submitted_at = job.submitted_at,
                             .phase = job.phase,
                             .reason = job.reason,
                             .phase_at = job.phase_at,
                             .ends = job.ends,
                             .totals = job.totals};
  for (const auto& [name, stage] : job.stages)
    copy.stages.push_back(capture(StageKey{job.spec->job, job.spec->run, name}, *stage));
  for (const auto& [name, one] : job.sources)
    copy.sources.push_back({name, one.producer, one.previous, one.session, one.epoch,
                            capture(StageKey{job.spec->job, job.spec->run, StageName{name}}, one.strikes)});
  if (job.next != nullptr) copy.next.push_back(*job.next);
  return copy;
}

std::map<FramePlace, StruckFrame> restore(const std::vector<stream::Strike>& strikes) {
  std::map<FramePlace, StruckFrame> all;
  for (const auto& strike : strikes) {
    auto& struck = all[{strike.partition, strike.offset}];
    struck.workers.push_back(strike.worker);
    struck.causes.push_back(strike.cause);
    struck.quarantined = struck.quarantined || strike.condemned;
    struck.at = strike.at;
  }
  return all;
}

Stage restore(const stream::Snapshot::Stage& copy) {
  Stage stage;
  stage.epoch = copy.epoch;
  stage.actives.insert(copy.actives.begin(), copy.actives.end());
  stage.spares.insert(copy.spares.begin(), copy.spares.end());
  for (const auto& one : copy.partitions) {
    stage.partitions.push_back({one.owner, one.previous, one.epoch, one.releasing, one.deadline});
    if (one.releasing) ++stage.releasing;
  }
  stage.workers = copy.workers;
  stage.held = copy.held;
  stage.sized_because = copy.sized_because;
  stage.sized_at = copy.sized_at;
  stage.strikes = restore(copy.strikes);
  return stage;
}

Job restore(const stream::Snapshot::Job& copy) {
  Job job;
  job.spec = std::make_shared<const stream::JobSpec>(copy.spec);
  job.topology = std::make_shared<const std::string>(copy.topology);
  job.order = copy.order;
  job.submitted_at = copy.submitted_at;
  job.phase = copy.phase;
  job.reason = copy.reason;
  job.phase_at = copy.phase_at;
  job.ends = copy.ends;
  job.totals = copy.totals;
  for (const auto& stage : copy.stages) job.stages.emplace(stage.name, Cow<Stage>(restore(stage)));
  for (const auto& one : copy.sources)
    job.sources[one.name] = {one.producer, one.previous, one.session, one.epoch, restore(one.strikes)};
  if (!copy.next.empty()) job.next = std::make_shared<const stream::JobQueued>(copy.next.front());
  return job;
}

}  // namespace

stream::Snapshot capture(const Hard& hard) {
  stream::Snapshot copy{.claim = hard.claim, .accepted = hard.accepted};
  for (const auto& [name, job] : hard.jobs) copy.jobs.push_back(capture(*job));
  for (const auto& [job, run] : hard.runs) copy.runs[job.value] = run.value;
  for (const auto& [job, sources] : hard.sessions)
    for (const auto& [source, session] : sources) copy.sessions[job.value][source] = session.value;
  copy.out.assign(hard.out->order.begin(), hard.out->order.end());
  return copy;
}

void restore(Hard& hard, const stream::Snapshot& snapshot) {
  Hard fresh;
  fresh.standing = hard.standing;
  fresh.claim = snapshot.claim;
  fresh.accepted = snapshot.accepted;
  for (const auto& [job, run] : snapshot.runs) fresh.runs[JobName{job}] = RunNumber{run};
  for (const auto& [job, sources] : snapshot.sessions)
    for (const auto& [source, session] : sources) fresh.sessions[JobName{job}][source] = SessionId{session};
  auto& members = fresh.members.edit();
  for (const auto& copy : snapshot.jobs) {
    for (const auto& stage : copy.stages) {
      const StageKey key{copy.spec.job, copy.spec.run, stage.name};
      for (const auto& worker : stage.actives) members[worker] = {key, false};
      for (const auto& worker : stage.spares) members[worker] = {key, true};
    }
    fresh.jobs.emplace(copy.spec.job, Cow<Job>(restore(copy)));
  }
  auto& out = fresh.out.edit();
  for (const auto& worker : snapshot.out) {
    out.ids.insert(worker);
    out.order.push_back(worker);
  }
  hard = std::move(fresh);
}

bool loses_files(const Hard& known, const Hard& restored) {
  const auto same_files = [](const stream::JobSpec& a, const stream::JobSpec& b) {
    return a.run != b.run || std::equal(a.stages.begin(), a.stages.end(), b.stages.begin(), b.stages.end(),
                                        [](const auto& x, const auto& y) { return x.artifacts == y.artifacts; });
  };
  return std::any_of(restored.jobs.begin(), restored.jobs.end(), [&](const auto& entry) {
    const auto found = known.jobs.find(entry.first);
    if (found == known.jobs.end()) return false;
    const auto &before = *found->second, &now = *entry.second;
    return !same_files(*before.spec, *now.spec) ||
           (before.next && now.next && !same_files(before.next->spec, now.next->spec));
  });
}

void SnapshotPlace::read(const stream::SnapshotPart& part, Offset at) {
  if (part.part != 1) return;
  id_ = part.id;
  first_ = at;
}

std::optional<Offset> SnapshotPlace::behind(const TruncateBehind& order, const State& state) const {
  const bool valid = state.soft.snapshot == order.snapshot && id_ == order.snapshot;
  return valid ? std::optional(first_) : std::nullopt;
}

namespace {

// Its readers would refuse it. The log grows instead, and every decision still stands there.
void too_large(Draft& draft) {
  draft.act(
      Notify{.severity = stream::Severity::error,
             .code = "snapshot_too_large",
             .text = fmt::format("a snapshot of the decisions would have more than {} MiB: none is written, and the "
                                 "decisions log grows. Cancel jobs that are not needed",
                                 stream::kMostSnapshotBytes >> 20)});
}

}  // namespace

void write_snapshot(Draft& draft, State& state, Due& due) {
  if (!due.snapshot) return;
  state.soft.records = 0;  // whatever becomes of it: tried again when the log has grown as much again
  const auto id = fmt::format("{}-{}", state.hard.standing.epoch(), ++state.soft.snapshots);
  const auto part_bytes = state.rules.snapshot_part_bytes;
  auto parts = stream::cut(capture(draft.hard()), id, part_bytes);
  if (parts.size() * part_bytes > stream::kMostSnapshotBytes) return too_large(draft);
  for (auto& part : parts) draft.decide(std::move(part));
  draft.act(TruncateBehind{id});
}

}  // namespace ride::master
