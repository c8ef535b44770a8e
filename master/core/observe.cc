// Soft state follows the reports; what needs a decision is marked in Due. Detection of losses: detector.h.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <optional>
#include <type_traits>
#include <utility>

#include "master/core/admission.h"
#include "master/core/detector.h"
#include "master/core/rivals.h"
#include "master/core/steps.h"
#include "master/core/unreported.h"
#include "stream/core/control_limits.h"

namespace ride::master {

namespace {

void depart(State& state, const WorkerId& worker, std::string reason, bool left = false, bool silent = false) {
  state.soft.due.departures.push_back({worker, std::move(reason), left, silent});
}

// ---- ticks ----------------------------------------------------------------------------------------------------------

bool has_deadlines(const State& state) {
  if (!state.soft.deletions.empty()) return true;
  for (const auto& [name, job] : state.hard.jobs)
    for (const auto& [stage_name, stage] : job->stages)
      if (stage->releasing > 0) return true;
  return false;
}

void on(State& state, const stream::Tick& tick, SystemTime at) {
  const auto& standing = state.hard.standing;
  if (tick.epoch != standing.epoch() || tick.leader != standing.leader()) return;
  pass_tick(state, at);
  forget_rivals(state);
  count_processes(state);
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

// ---- heartbeats -----------------------------------------------------------------------------------------------------

void record_progress(State& state, const stream::Heartbeat& beat) {
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
    // Only the owner's report counts; a predecessor's may be late.
    const auto& partition = stage->partitions[index];
    if (partition.owner != beat.id || partition.epoch != progress.epoch) continue;
    if (reports->partitions.size() < stage->partitions.size()) reports->partitions.resize(stage->partitions.size());
    auto& mine = reports->partitions[index];
    const bool ended = mine.ended;
    auto reported = progress;
    if (reported.end < 0) reported.end = mine.end;  // a new owner has not seen it yet
    reports->flow.add(mine, reported);
    if (progress.end >= 0) reports->measured.erase(index);
    mine = std::move(reported);
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
  for (const auto count : {&Progress::frames, &Progress::earlier, &Progress::captured, &Progress::unwritten,
                           &Progress::total, &Progress::dropped, &Progress::rejected, &Progress::gaps})
    now.*count = std::max(now.*count, before.*count);
  now.last_frame = std::max(now.last_frame, before.last_frame);
  now.longest_gap_ms = std::max(now.longest_gap_ms, before.longest_gap_ms);
}

// While a new session has captured nothing, the one before it stays the last one: if the new owner is lost as well, the
// next one must still look up what that session wrote and never reported.
void keep_session(stream::SourceProgress& now, const stream::SourceProgress& before) {
  now.session = before.session;
  now.frames = before.frames;
  now.earlier = before.earlier;
  now.captured = before.captured;
  now.unwritten = before.unwritten;
  never_fall(now, before);
}

void record_sources(State& state, const stream::Heartbeat& beat) {
  for (const auto& progress : beat.sources) {
    const auto* job = state.hard.find(progress.job, progress.run);
    if (job == nullptr) continue;
    const auto source = job->sources.find(progress.source);
    if (source == job->sources.end() || source->second.producer != beat.id) continue;
    if (source->second.session != progress.session) continue;
    auto& reports = state.soft.sources[{progress.job, progress.run, progress.source}];
    const bool goes_on = reports.last.session == progress.session;
    const bool has_begun = progress.frames > 0 || progress.captured > 0 || progress.ended;
    if (!goes_on && !has_begun && reports.last.session.value > 0) {
      const auto before = std::exchange(reports.last, progress);
      keep_session(reports.last, before);
      continue;
    }
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

void on(State& state, const stream::Heartbeat& beat, SystemTime at) {
  if (state.hard.is_out(beat.id)) return note_false_loss(state, beat.id);  // a zombie's report
  auto& soft = state.soft;
  if (!soft.processes.contains(beat.id) && (waits_for_name(state, beat) || !admit(state, beat, at))) return;
  note_holder(state, beat.id);
  auto [found, fresh] = soft.processes.try_emplace(beat.id);
  auto& process = found->second;
  if (fresh) {
    soft.names[slot_name(beat.id)] = beat.id;
    process.first_tick = soft.ticks;
  }
  if (!process.heard || !same_offer(process.last, beat)) {
    const auto* member = state.hard.member(beat.id);
    if (member != nullptr) soft.due.stages.insert(member->stage);
    soft.due.pool |= beat.kind == ProcessKind::worker;
    soft.due.sources |= beat.kind == ProcessKind::producer || soft.sources_again;
  }
  process.rate.add(beat, at);
  hear(state, beat, process, at);
  process.last = beat;
  process.last.children.clear();  // hear() has taken them
  trim(state.hard, process.last);
  if (process.heard_ticks < state.rules.settled_ticks && (!process.heard || process.last_tick != soft.ticks))
    ++process.heard_ticks;
  process.heard = true;
  process.last_tick = soft.ticks;
  process.last_seen = at;
  record_progress(state, beat);
  record_sources(state, beat);
  look_between_ticks(state, at);
}

// ---- other reports --------------------------------------------------------------------------------------------------

std::string how_it_ended(const stream::ChildExit& exit) {
  if (exit.ordered) return "stopped by its agent";
  if (exit.orderly) return "it ended to join again";
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

// A zombie's report does not count: its records may have been deleted since its successor took over, which is no loss.
void on(State& state, const stream::Notice& notice, SystemTime) {
  if (state.hard.is_out(notice.from)) return;
  if (!notice.fatal_for_job || notice.job.empty()) return;
  const auto& node = notice.node.value;
  state.soft.due.fatal.push_back({notice.job, node.empty() ? notice.text : notice.text + " (node " + node + ")"});
}

// ---- not from the log -----------------------------------------------------------------------------------------------

// Who is known from the decisions only gets a first K ticks to report.
void expect_members(State& state) {
  auto& soft = state.soft;
  const auto expect = [&](const WorkerId& id, ProcessKind kind) {
    auto [found, fresh] = soft.processes.try_emplace(id);
    if (!found->second.heard) {
      found->second.last.id = id;
      found->second.last.kind = kind;
    }
    found->second.last_tick = soft.ticks;
    found->second.heard_at = soft.clock.at_tick();
    if (fresh) soft.names.try_emplace(slot_name(id), id);
  };
  soft.led_tick = soft.ticks;
  for (auto& [name, node] : soft.nodes) {
    node.heard_tick = soft.ticks;
    node.heard_at = soft.clock.at_tick();
  }
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
          record_measured(state, one);
        } else {
          static_assert(std::is_same_v<T, LeadershipTaken>);
          expect_members(state);
          due.everything = true;
        }
      },
      event);
}

}  // namespace ride::master
