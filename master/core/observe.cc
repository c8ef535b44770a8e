// Soft state follows the reports; what needs a decision is marked in Due. Detection of losses (D3): an incarnation is
// lost when K ticks stand in the log since its last heartbeat.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <optional>
#include <type_traits>
#include <utility>

#include "master/core/admission.h"
#include "master/core/steps.h"
#include "master/core/untold.h"
#include "stream/core/control_limits.h"

namespace ride::master {

namespace {

void depart(State& state, const WorkerId& worker, std::string reason, bool left = false, bool silent = false) {
  state.soft.due.departures.push_back({worker, std::move(reason), left, silent});
}

// ---- ticks
// -----------------------------------------------------------------------------------------------------------

bool has_deadlines(const State& state) {
  if (!state.soft.deletions.empty()) return true;
  for (const auto& [name, job] : state.hard.jobs)
    for (const auto& [stage_name, stage] : job->stages)
      if (stage->releasing > 0) return true;
  return false;
}

// The log itself was slow: heartbeats were, too, so nobody is to blame yet.
void grant_grace(State& state, SystemTime at) {
  auto& soft = state.soft;
  const bool late = soft.ticks > 0 && at - soft.last_tick_at > 2 * tick_interval(state);
  if (late) {
    soft.grace_from = soft.ticks;
    soft.grace_until = at + state.rules.grace;
  }
  soft.last_tick_at = at;
}

// Over a fifth fell silent at once: that is rather the log's fault, or the network's. Who is about to be lost counts, too,
// since not all miss the same tick. A false loss costs repeated work, and so many at once would stop everything.
bool is_hushed(State& state, SystemTime at) {
  auto& soft = state.soft;
  std::int64_t quiet = 0, all = 0;
  for (const auto& [id, process] : soft.processes) {
    if (is_passing(state, id, process)) continue;  // its silence tells nothing about the log
    ++all;
    if (soft.ticks - process.last_tick >= ticks_to_loss(state, id) - 1) ++quiet;
  }
  if (quiet < state.rules.hush_least || quiet * state.rules.hush_share <= all) {
    soft.hush_until = {};
    return false;
  }
  if (soft.hush_until == SystemTime{}) {
    soft.hush_until = at + state.rules.hush;
    soft.due.hushed = quiet;
  }
  return at < soft.hush_until;
}

void find_losses(State& state, SystemTime at) {
  auto& soft = state.soft;
  std::optional<bool> hushed;
  std::vector<WorkerId> passed;
  for (const auto& [id, process] : soft.processes) {
    const auto missed = soft.ticks - process.last_tick;
    if (missed < ticks_to_loss(state, id)) continue;
    if (is_passing(state, id, process)) {
      passed.push_back(id);
      continue;
    }
    if (process.last_tick < soft.grace_from && at < soft.grace_until) continue;
    if (!hushed) hushed = is_hushed(state, at);
    if (*hushed) break;
    depart(state, id, fmt::format("no word for {} ticks, {} ms each", missed, tick_interval(state).count()), false, true);
  }
  for (const auto& id : passed) forget(state, id);
}

void forget_old_doubts(State& state) {
  auto& soft = state.soft;
  std::erase_if(soft.doubts,
                [&](const auto& entry) { return soft.ticks - entry.second.tick > state.rules.doubt_ticks; });
  std::erase_if(soft.silenced,
                [&](const auto& entry) { return soft.ticks - entry.second.last_tick > 4 * entry.second.allowed; });
}

// It lived: with twice the time it would not have been lost. A silence that was much longer proves nothing of the kind.
void note_false_loss(State& state, const WorkerId& id) {
  auto& soft = state.soft;
  const auto found = soft.silenced.find(id);
  if (found == soft.silenced.end()) return;
  auto& doubt = soft.doubts[slot_name(id)];
  doubt.factor = std::min(2 * doubt.factor, state.rules.doubt_limit);
  doubt.tick = soft.ticks;
  soft.silenced.erase(found);
}

void on(State& state, const stream::Tick& tick, SystemTime at) {
  const auto& standing = state.hard.standing;
  if (tick.epoch != standing.epoch() || tick.leader != standing.leader()) return;
  grant_grace(state, at);
  ++state.soft.ticks;
  forget_old_doubts(state);
  find_losses(state, at);
  count_crowd(state);
  if (has_deadlines(state)) state.soft.due.deadlines = true;
  auto& soft = state.soft;
  soft.due.stages.insert(soft.unsettled.begin(), soft.unsettled.end());
  soft.due.pool |= std::exchange(soft.pool_again, false);
  soft.due.sources |= std::exchange(soft.sources_again, false);
  if (at - soft.sized_at >= state.rules.size_every) {
    soft.sized_at = at;
    soft.due.sizes = true;
  }
  soft.due.snapshot |= soft.records >= state.rules.snapshot_records;
}

// ---- heartbeats
// ------------------------------------------------------------------------------------------------------

void take_progress(State& state, const stream::Heartbeat& beat) {
  StageKey key;
  const Stage* stage = nullptr;
  StageReports* reports = nullptr;
  for (const auto& progress : beat.partitions) {
    if (stage == nullptr || progress.stage != key.stage || progress.job != key.job || progress.run != key.run) {
      key = {progress.job, progress.run, progress.stage};
      stage = state.hard.find(key);
      reports = stage == nullptr ? nullptr : &state.soft.stages[key];
    }
    const auto index = static_cast<std::size_t>(progress.partition.value);
    if (stage == nullptr || progress.partition.value < 0 || index >= stage->partitions.size()) continue;
    // Only the owner's word counts; a predecessor's may be late.
    const auto& partition = stage->partitions[index];
    if (partition.owner != beat.id || partition.epoch != progress.epoch) continue;
    if (reports->partitions.size() < stage->partitions.size()) reports->partitions.resize(stage->partitions.size());
    auto& mine = reports->partitions[index];
    const bool ended = mine.ended;
    auto told = progress;
    if (told.end < 0) told.end = mine.end;  // a new owner has not seen it yet
    reports->flow.take(mine, told);
    if (progress.end >= 0) reports->measured.erase(index);
    mine = std::move(told);
    mine.ended = ended || progress.ended;
    if (mine.ended && !ended) {
      ++reports->ended;
      state.soft.due.ends.insert(key.job);
    }
  }
}

// Within a session counts only rise; a new owner of a finite source learns only by and by what was done before it.
void never_fall(stream::SourceProgress& now, const stream::SourceProgress& before) {
  using Progress = stream::SourceProgress;
  for (const auto count : {&Progress::frames, &Progress::earlier, &Progress::captured, &Progress::unwritten, &Progress::total,
                           &Progress::dropped, &Progress::rejected, &Progress::gaps})
    now.*count = std::max(now.*count, before.*count);
  now.last_frame = std::max(now.last_frame, before.last_frame);
  now.longest_gap_ms = std::max(now.longest_gap_ms, before.longest_gap_ms);
}

void take_sources(State& state, const stream::Heartbeat& beat) {
  for (const auto& progress : beat.sources) {
    const auto* job = state.hard.find(progress.job, progress.run);
    if (job == nullptr) continue;
    const auto source = job->sources.find(progress.source);
    if (source == job->sources.end() || source->second.producer != beat.id) continue;
    if (source->second.session != progress.session) continue;
    auto& reports = state.soft.sources[{progress.job, progress.run, progress.source}];
    const bool goes_on = reports.last.session == progress.session;
    if (!goes_on) reports.earlier_frames = std::min(reports.earlier_frames + reports.last.frames, stream::kMostTotal);
    const auto before = std::exchange(reports.last, progress);
    if (goes_on) never_fall(reports.last, before);
    reports.ended = reports.ended || progress.ended;
  }
}

// What a placement depends on; a change of it is looked at.
bool same_offer(const stream::Heartbeat& a, const stream::Heartbeat& b) {
  return a.warm == b.warm && a.group == b.group && a.devices == b.devices && a.labels == b.labels &&
         a.cores == b.cores && a.memory_bytes == b.memory_bytes && a.node == b.node;
}

// A new incarnation's first word is the loss of the one before it.
void replace_incarnation(State& state, const WorkerId& id) {
  auto& soft = state.soft;
  const auto [name, fresh] = soft.names.try_emplace(slot_name(id), id);
  if (fresh || name->second == id) return;
  const auto before = std::exchange(name->second, id);
  const auto process = soft.processes.find(before);
  if (process == soft.processes.end()) return;
  if (is_passing(state, before, process->second))
    soft.processes.erase(process);
  else
    depart(state, before, "replaced by " + id.value);
}

void on(State& state, const stream::Heartbeat& beat, SystemTime at) {
  if (state.hard.is_out(beat.id)) return note_false_loss(state, beat.id);  // a zombie's word
  auto& soft = state.soft;
  if (!soft.processes.contains(beat.id) && !admit(state, beat, at)) return;
  auto [found, fresh] = soft.processes.try_emplace(beat.id);
  auto& process = found->second;
  if (fresh) replace_incarnation(state, beat.id);
  if (!process.heard || !same_offer(process.last, beat)) {
    const auto* member = state.hard.member(beat.id);
    if (member != nullptr) soft.due.stages.insert(member->stage);
    soft.due.pool |= beat.kind == ProcessKind::worker;
    soft.due.sources |= beat.kind == ProcessKind::producer || soft.sources_again;
  }
  process.rate.take(beat, at);
  process.last = beat;
  trim(state.hard, process.last);
  if (process.heard_ticks < state.rules.settled_ticks && (!process.heard || process.last_tick != soft.ticks))
    ++process.heard_ticks;
  process.heard = true;
  process.last_tick = soft.ticks;
  process.last_seen = at;
  take_progress(state, beat);
  take_sources(state, beat);
}

// ---- other reports
// ---------------------------------------------------------------------------------------------------

std::string how_it_ended(const stream::ChildExit& exit) {
  if (exit.ordered) return "stopped by its agent";
  if (exit.cause == stream::ExitCause::hang) return "its agent killed it, since it hung";
  if (exit.cause == stream::ExitCause::memory) return "it had more memory than it may have, and was killed";
  if (exit.signal != 0) return fmt::format("its agent saw it end by signal {}", exit.signal);
  return fmt::format("its agent saw it end with exit code {}", exit.exit_code);
}

void on(State& state, const stream::ChildExit& exit, SystemTime) {
  if (!exit.frames.empty()) state.soft.due.exits.push_back(exit);
  depart(state, exit.child, how_it_ended(exit));
}

void on(State& state, const stream::Goodbye& goodbye, SystemTime) {
  if (state.hard.is_out(goodbye.id)) return note_false_loss(state, goodbye.id);
  depart(state, goodbye.id, goodbye.reason.empty() ? "left" : "left: " + goodbye.reason, true);
}

void on(State& state, const stream::Released& released, SystemTime) {
  const StageKey key{released.job, released.run, released.stage};
  const auto* stage = state.hard.find(key);
  if (stage == nullptr) return;
  for (const auto id : released.partitions) {
    const auto index = static_cast<std::size_t>(id.value);
    if (id.value < 0 || index >= stage->partitions.size()) continue;
    const auto& partition = stage->partitions[index];
    if (!partition.releasing || partition.owner != released.worker) continue;
    state.soft.stages[key].released.insert(id);
    state.soft.due.stages.insert(key);
  }
}

// A zombie's word does not count: its records may be deleted behind its successor's back, which is no loss.
void on(State& state, const stream::Notice& notice, SystemTime) {
  if (state.hard.is_out(notice.from)) return;
  if (notice.fatal_for_job && !notice.job.empty()) state.soft.due.fatal.push_back({notice.job, notice.text});
}

// ---- not from the log
// ------------------------------------------------------------------------------------------------

// Who is known from the decisions only gets a first K ticks to speak up.
void expect_members(State& state) {
  auto& soft = state.soft;
  const auto expect = [&](const WorkerId& id, ProcessKind kind) {
    auto [found, fresh] = soft.processes.try_emplace(id);
    if (!found->second.heard) {
      found->second.last.id = id;
      found->second.last.kind = kind;
    }
    found->second.last_tick = soft.ticks;
    if (fresh) soft.names.try_emplace(slot_name(id), id);
  };
  soft.led_tick = soft.ticks;
  for (auto& [job, tick] : soft.begun) tick = soft.ticks;
  for (const auto& [id, member] : *state.hard.members) expect(id, ProcessKind::worker);
  for (const auto& [name, job] : state.hard.jobs)
    for (const auto& [source_name, source] : job->sources)
      if (!source.producer.value.empty()) expect(source.producer, ProcessKind::producer);
}

}  // namespace

std::optional<std::int64_t> ticket_of(const Event& event) {
  return std::visit(
      [](const auto& one) -> std::optional<std::int64_t> {
        if constexpr (requires { one.ticket; })
          return one.ticket;
        else
          return std::nullopt;
      },
      event);
}

void observe(State& state, const Event& event) {
  auto& due = state.soft.due;
  std::visit(
      [&](const auto& one) {
        using T = std::decay_t<decltype(one)>;
        if constexpr (std::is_same_v<T, ReportRead>) {
          std::visit([&](const auto& body) { on(state, body, one.at); }, one.body);
        } else if constexpr (std::is_same_v<T, SubmitRequest>) {
          due.submits.push_back(one);
        } else if constexpr (std::is_same_v<T, PhaseRequest>) {
          due.phases.push_back(one);
        } else if constexpr (std::is_same_v<T, ScaleRequest>) {
          due.scales.push_back(one);
        } else if constexpr (std::is_same_v<T, TopicsOutcome>) {
          due.topics.push_back(one);
        } else if constexpr (std::is_same_v<T, LogsMeasured>) {
          take_measured(state, one);
        } else {
          static_assert(std::is_same_v<T, LeadershipTaken>);
          expect_members(state);
          due.everything = true;
        }
      },
      event);
}

}  // namespace ride::master
