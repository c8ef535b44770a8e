#include "master/core/admission.h"

#include <algorithm>
#include <charconv>
#include <set>

namespace ride::master {

namespace {

constexpr std::int64_t kMostOfAnAgent = 1024;  // that one agent may announce
constexpr std::chrono::seconds kReportEvery{60};
constexpr std::size_t kMostProgress = 16;  // entries kept of who has nothing to do

std::int64_t announced_by(const stream::Heartbeat& agent) {
  std::int64_t all = 0;
  for (const char* label : {"slots", "producers"}) {
    const auto found = agent.labels.find(label);
    if (found == agent.labels.end()) continue;
    std::int64_t count = 0;
    const auto& text = found->second;
    const auto failed = std::from_chars(text.data(), text.data() + text.size(), count).ec;
    if (failed == std::errc()) all += std::clamp<std::int64_t>(count, 0, kMostOfAnAgent);
  }
  return all;
}

// Another incarnation in the place of one that had settled: there are no more than before.
bool replaces(const State& state, const WorkerId& id) {
  const auto rival = state.soft.rivals.find(slot_name(id));
  return rival != state.soft.rivals.end() && rival->second.last.id == id && rival->second.may_replace;
}

void refuse(Soft& soft, SystemTime at) {
  auto& counts = soft.admission;
  ++counts.refused;
  if (counts.reported > 0 && at >= counts.reported_at && at - counts.reported_at < kReportEvery) return;
  soft.due.refused = counts.refused - counts.reported;
  counts.reported = counts.refused;
  counts.reported_at = at;
}

}  // namespace

bool has_duty(const Hard& hard, const WorkerId& id) {
  if (hard.member(id) != nullptr) return true;
  for (const auto& [name, job] : hard.jobs)
    for (const auto& [source_name, source] : job->sources)
      if (source.producer == id) return true;
  return false;
}

bool admit(State& state, const stream::Heartbeat& beat, SystemTime at) {
  auto& counts = state.soft.admission;
  const auto expected = counts.expected.find(beat.node);
  if (replaces(state, beat.id)) return true;
  if (beat.kind != ProcessKind::agent && expected != counts.expected.end() && expected->second > 0 &&
      counts.announced < state.rules.most_announced) {
    --expected->second;
    ++counts.announced;
    return true;
  }
  if (counts.unannounced < state.rules.most_unannounced) {
    ++counts.unannounced;
    return true;
  }
  if (has_duty(state.hard, beat.id)) return true;
  refuse(state.soft, at);
  return false;
}

bool is_passing(const State& state, const WorkerId& id, const Process& process) {
  return process.heard && process.heard_ticks < state.rules.settled_ticks && !has_duty(state.hard, id);
}

void forget(State& state, const WorkerId& id) {
  auto& soft = state.soft;
  soft.processes.erase(id);
  const auto name = soft.names.find(slot_name(id));
  if (name != soft.names.end() && name->second == id) soft.names.erase(name);
}

void count_processes(State& state) {
  auto& counts = state.soft.admission;
  counts.expected.clear();
  counts.announced = counts.unannounced = 0;
  std::set<WorkerId> feeding;
  for (const auto& [name, job] : state.hard.jobs)
    for (const auto& [source_name, source] : job->sources)
      if (!source.producer.value.empty()) feeding.insert(source.producer);
  counts.feeding = static_cast<std::int64_t>(feeding.size());
  for (const auto& [id, process] : state.soft.processes)
    if (process.last.kind == ProcessKind::agent) counts.expected[process.last.node] += announced_by(process.last);
  for (const auto& [id, process] : state.soft.processes) {
    const auto expected = counts.expected.find(process.last.node);
    if (process.last.kind != ProcessKind::agent && expected != counts.expected.end() && expected->second > 0) {
      --expected->second;
      ++counts.announced;
    } else if (state.hard.member(id) == nullptr) {
      ++counts.unannounced;
    }
  }
}

void trim(const Hard& hard, stream::Heartbeat& beat) {
  if (std::max(beat.partitions.size(), beat.sources.size()) <= kMostProgress || has_duty(hard, beat.id)) return;
  if (beat.partitions.size() > kMostProgress) beat.partitions.resize(kMostProgress);
  if (beat.sources.size() > kMostProgress) beat.sources.resize(kMostProgress);
}

}  // namespace ride::master
