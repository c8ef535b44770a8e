#include "master/core/detector.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <optional>
#include <set>

#include "common/wording.h"
#include "master/core/admission.h"

namespace ride::master {

namespace {

constexpr std::int64_t kSettledReports = 10;  // of a node: before, nothing is known of its rhythm
constexpr double kHalfSilent = 0.55;          // of what a node may be silent: more than the usual gap
constexpr int kGraceOfLateness = 6;           // times as long as the tick took

// ---- what is allowed ------------------------------------------------------------------------------------------------

const NodePulse* node_of(const State& state, const Process& process) {
  const auto found = state.soft.nodes.find(process.last.node);
  return found == state.soft.nodes.end() ? nullptr : &found->second;
}

// What anything on this node may be silent for: twice as long as it lately was.
LogTime usual_silence(const State& state, const NodePulse& node) {
  return 2 * node.longest_alone.value(state.soft.clock.at_tick());
}

// Of one process: as its own reports allow, and twice as long as anything on its node was silent lately.
LogTime patience_of(const State& state, const Process& process) {
  auto patience = process.rhythm.patience();
  if (const auto* node = node_of(state, process)) patience = std::max(patience, usual_silence(state, *node));
  return std::min<LogTime>(patience, state.rules.most_silence);
}

LogTime patience_of(const State& state, const NodePulse& node) {
  const auto patience = std::max(node.together.patience(), 2 * node.longest_together.value(state.soft.clock.at_tick()));
  return node.loss_backoff * std::clamp<LogTime>(patience, state.rules.least_silence, state.rules.most_silence);
}

// The log itself was slow: heartbeats were, too. Only so long, however slow it goes on.
bool is_excused(const State& state, std::int64_t heard_tick, LogTime silence, LogTime patience, SystemTime at) {
  const auto& soft = state.soft;
  return heard_tick < soft.grace_from && at < soft.grace_until && silence < patience + state.rules.grace;
}

bool is_silent(const State& state, const WorkerId& id, const Process& process, LogTime now) {
  return state.soft.ticks - process.last_tick >= ticks_to_loss(state, id) &&
         now - process.heard_at >= patience_of(state, process);
}

// Its agent's last heartbeat listed it as running, and that agent is there.
bool is_vouched(const State& state, const Process& process, LogTime now) {
  const auto* node = node_of(state, process);
  if (node == nullptr || process.last.kind == ProcessKind::agent) return false;
  if (process.vouched == 0 || process.vouched != node->agent_reports) return false;
  const auto agent = state.soft.processes.find(node->agent);
  return agent != state.soft.processes.end() && !is_silent(state, agent->first, agent->second, now);
}

// ---- whole nodes ----------------------------------------------------------------------------------------------------

// The two nodes that were heard last: the second is what another node than the first is measured by.
struct Others {
  const NodeName* loudest = nullptr;
  LogTime first{-1'000'000}, second{-1'000'000};

  explicit Others(const Soft& soft) {
    for (const auto& [name, node] : soft.nodes) {
      if (node.heard_at > first) {
        second = first;
        first = node.heard_at;
        loudest = &name;
      } else {
        second = std::max(second, node.heard_at);
      }
    }
  }
  LogTime than(const NodeName& name) const { return loudest != nullptr && *loudest == name ? second : first; }
};

// An agent and its children are silent, so that nobody is left to report them, and others are heard.
bool may_be_judged(const State& state, const NodeName& name, const NodePulse& node, const Others& others, LogTime now) {
  return node.processes >= 2 && node.reports >= kSettledReports && state.soft.processes.contains(node.agent) &&
         now - others.than(name) <= state.rules.least_silence;
}

std::set<NodeName> silent_nodes(const State& state, SystemTime at, double share = 1) {
  const auto& soft = state.soft;
  const auto now = soft.clock.at(at);
  const Others others(soft);
  std::set<NodeName> silent;
  for (const auto& [name, node] : soft.nodes) {
    const auto silence = now - node.heard_at, patience = patience_of(state, node);
    const double enough = share * static_cast<double>(patience.count());
    if (static_cast<double>(silence.count()) < enough || !may_be_judged(state, name, node, others, now)) continue;
    if (share >= 1 && soft.ticks - node.heard_tick < node_ticks(state.rules) * node.loss_backoff) continue;
    if (!is_excused(state, node.heard_tick, silence, patience, at)) silent.insert(name);
  }
  return silent;
}

// Over a fifth fell silent at once: that is rather the log's fault, or the network's. Who is about to be lost counts,
// too, since not all miss the same tick. A node that is silent as a whole counts once: it is one failure. A false loss
// costs repeated work, and so many at once would stop everything.
bool is_mass_silence(State& state, SystemTime at) {
  auto& soft = state.soft;
  const auto nodes = silent_nodes(state, at, kHalfSilent);
  const auto now = soft.clock.at(at);
  std::int64_t quiet = static_cast<std::int64_t>(nodes.size()), all = quiet;
  for (const auto& [id, process] : soft.processes) {
    if (is_passing(state, id, process)) continue;  // its silence says nothing about the log
    if (process.heard && nodes.contains(process.last.node)) continue;
    ++all;
    if (soft.ticks - process.last_tick >= ticks_to_loss(state, id) - 1 && !is_vouched(state, process, now)) ++quiet;
  }
  if (quiet < state.rules.mass_silence_least || quiet * state.rules.mass_silence_share <= all) {
    soft.mass_silence_until = {};
    return false;
  }
  if (soft.mass_silence_until == SystemTime{}) {
    soft.mass_silence_until = at + state.rules.mass_silence;
    soft.due.mass_silent = quiet;
  }
  return at < soft.mass_silence_until;
}

// ---- losses ---------------------------------------------------------------------------------------------------------

void lose(State& state, const WorkerId& id, std::string reason) {
  state.soft.due.departures.push_back({id, std::move(reason), false, true});
}

void lose_nodes(State& state, SystemTime at) {
  const auto silent = silent_nodes(state, at);
  if (silent.empty() || is_mass_silence(state, at)) return;
  std::vector<WorkerId> passed;
  for (const auto& [id, process] : state.soft.processes) {
    if (!process.heard || !silent.contains(process.last.node)) continue;
    if (is_passing(state, id, process)) {
      passed.push_back(id);
      continue;
    }
    const auto& node = state.soft.nodes.at(process.last.node);
    lose(state, id,
         fmt::format("no heartbeat for {} ms from its node {}: its agent and all {} other{} there are silent",
                     (state.soft.clock.at(at) - node.heard_at).count(), process.last.node.value, node.processes - 1,
                     node.processes == 2 ? "" : "s"));
  }
  for (const auto& id : passed) forget(state, id);
}

void lose_processes(State& state, SystemTime at) {
  auto& soft = state.soft;
  const auto now = soft.clock.at(at);
  std::optional<bool> mass_silent;
  std::vector<WorkerId> passed;
  for (const auto& [id, process] : soft.processes) {
    const auto missed = soft.ticks - process.last_tick, allowed = ticks_to_loss(state, id);
    if (missed < allowed) continue;
    if (is_passing(state, id, process)) {
      passed.push_back(id);
      continue;
    }
    if (!is_silent(state, id, process, now)) continue;
    const auto silence = now - process.heard_at;
    const bool vouched = is_vouched(state, process, now);
    if (vouched && silence < state.rules.most_vouched) continue;
    const auto patience = std::max<LogTime>(patience_of(state, process), allowed * tick_interval(state));
    if (is_excused(state, process.last_tick, silence, patience, at)) continue;
    if (!mass_silent) mass_silent = is_mass_silence(state, at);
    if (*mass_silent) break;
    lose(state, id,
         fmt::format("no heartbeat for {} ticks, {} ms each{}", missed, tick_interval(state).count(),
                     vouched ? ", though its agent sees it run" : ""));
  }
  for (const auto& id : passed) forget(state, id);
}

// ---- with every tick ------------------------------------------------------------------------------------------------

void forget_old_loss_backoffs(State& state) {
  auto& soft = state.soft;
  std::erase_if(soft.loss_backoffs,
                [&](const auto& entry) { return soft.ticks - entry.second.tick > state.rules.loss_backoff_ticks; });
  std::erase_if(soft.silenced,
                [&](const auto& entry) { return soft.ticks - entry.second.last_tick > 4 * entry.second.allowed; });
}

// Nodes of which nobody is left are forgotten, so that there are never more than processes.
void count_nodes(State& state) {
  auto& soft = state.soft;
  for (auto& [name, node] : soft.nodes) {
    node.processes = 0;
    node.loss_backoff = 1;
  }
  for (const auto& [id, process] : soft.processes) {
    if (!process.heard) continue;
    const auto node = soft.nodes.find(process.last.node);
    if (node == soft.nodes.end()) continue;
    ++node->second.processes;
    if (const auto loss_backoff =
            soft.loss_backoffs.empty() ? soft.loss_backoffs.end() : soft.loss_backoffs.find(slot_name(id));
        loss_backoff != soft.loss_backoffs.end())
      node->second.loss_backoff = std::max(node->second.loss_backoff, loss_backoff->second.factor);
  }
  std::erase_if(soft.nodes, [](const auto& entry) { return entry.second.processes == 0; });
}

std::string slow_node(const State& state, const NodeName& name, const NodePulse& node) {
  const auto ticks = state.soft.slow_ticks.late();
  const auto allowed = std::min<LogTime>(usual_silence(state, node), state.rules.most_silence);
  return fmt::format(
      "node {} is overloaded: heartbeats of its {} come {} ms late{}; a process there is lost after {} ms of "
      "silence at the least now. Give it less work, or more cores",
      name.value, counted(node.processes, "process", "processes"), node.overload.late().count(),
      ticks > kUsualGap ? fmt::format(", the master's ticks {} ms", ticks.count()) : "",
      std::max<LogTime>(allowed, state.rules.ticks_to_loss * tick_interval(state)).count());
}

void watch_loads(State& state) {
  using Change = OverloadWatch::Change;
  auto& soft = state.soft;
  const auto now = soft.clock.at_tick();
  for (auto& [name, node] : soft.nodes) {
    const auto change = node.overload.look(now);
    if (change == Change::begins) soft.due.loads.push_back({true, slow_node(state, name, node)});
    if (change == Change::ends)
      soft.due.loads.push_back({false, fmt::format("node {} keeps up again: its heartbeats come in time", name.value)});
  }
  const auto change = soft.slow_ticks.look(now);
  if (change == Change::begins)
    soft.due.loads.push_back(
        {true, fmt::format("the master's machine, or Kafka, is overloaded: ticks come {} ms late, and losses are "
                           "noticed later by as much",
                           soft.slow_ticks.late().count())});
  if (change == Change::ends) soft.due.loads.push_back({false, "ticks come in time again"});
}

void grant_grace(State& state, std::chrono::milliseconds gap, SystemTime at) {
  auto& soft = state.soft;
  if (soft.ticks == 0 || gap <= 2 * tick_interval(state)) return;
  soft.grace_from = soft.ticks;
  soft.grace_until =
      std::max(soft.grace_until, at + std::min<std::chrono::milliseconds>(state.rules.grace, kGraceOfLateness * gap));
}

}  // namespace

std::int64_t node_ticks(const Rules& rules) {
  return std::max(rules.ticks_to_loss - 3, std::min<std::int64_t>(rules.ticks_to_loss, 2));
}

void hear(State& state, const stream::Heartbeat& beat, Process& process, SystemTime at) {
  auto& soft = state.soft;
  const auto now = soft.clock.at(at);
  auto& node = soft.nodes[beat.node];
  node.heard_any(now, soft.ticks);
  if (process.heard && process.last.node == beat.node) {
    process.rhythm.heard(now - process.heard_at);
    node.heard_again(now, now - process.heard_at);
  }
  process.heard_at = now;
  if (beat.kind != ProcessKind::agent) return;
  node.agent = beat.id;
  ++node.agent_reports;
  for (const auto& child : beat.children) {
    const auto found = soft.processes.find(child);  // this incarnation: one that replaces it says nothing of it
    if (found == soft.processes.end()) continue;
    auto& listed = found->second;
    if (!listed.heard) listed.last.node = beat.node;  // a new leader knows it from the decisions only
    if (listed.last.node == beat.node) listed.vouched = node.agent_reports;
  }
}

// It lived: with twice the time it would not have been lost. A silence that was much longer proves nothing of the kind.
void note_false_loss(State& state, const WorkerId& id) {
  auto& soft = state.soft;
  const auto found = soft.silenced.find(id);
  if (found == soft.silenced.end()) return;
  auto& loss_backoff = soft.loss_backoffs[slot_name(id)];
  loss_backoff.factor = std::min(2 * loss_backoff.factor, state.rules.loss_backoff_limit);
  loss_backoff.tick = soft.ticks;
  soft.silenced.erase(found);
}

void pass_tick(State& state, SystemTime at) {
  auto& soft = state.soft;
  const auto interval = tick_interval(state);
  const auto gap = soft.clock.tick(at, interval);
  grant_grace(state, gap, at);
  if (soft.ticks > 0) soft.slow_ticks.heard(gap, interval);
  ++soft.ticks;
  soft.looked_at = soft.clock.at_tick();
  forget_old_loss_backoffs(state);
  count_nodes(state);
  lose_nodes(state, at);
  lose_processes(state, at);
  if (soft.mass_silence_until != SystemTime{}) is_mass_silence(state, at);  // over, when they report again
  watch_loads(state);
}

void look_between_ticks(State& state, SystemTime at) {
  auto& soft = state.soft;
  const auto interval = tick_interval(state);
  const auto now = soft.clock.at(at);
  if (now - soft.looked_at < interval / 4 || soft.clock.is_waiting(at, interval)) return;
  soft.looked_at = now;
  lose_nodes(state, at);
}

}  // namespace ride::master
