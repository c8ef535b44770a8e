#include "master/core/rivals.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "master/core/admission.h"

namespace ride::master {

namespace {

constexpr int kBothReported = 3;  // ticks in which each of them reported, until the later one is refused
constexpr std::int64_t kSilentTicks =
    10;  // of who has the name: then it is taken over, whatever else holds a loss back
constexpr std::int64_t kTogetherTicks = 20;  // who came so close after another one to this master came with it

std::string place_of(const stream::Heartbeat& beat) {
  std::string text = fmt::format("node {}", beat.node.value);
  if (!beat.host.empty() && beat.host != beat.node.value) text += ", host " + beat.host;
  text += fmt::format(", process {}", beat.pid);
  if (beat.started != SystemTime{}) text += ", there since " + format_time(beat.started).substr(0, 19) + "Z";
  return text;
}

std::string refusal(const stream::Heartbeat& holder, const stream::Heartbeat& refused) {
  const auto who = fmt::format("{} ({}) has it and is alive", holder.id.value, place_of(holder));
  if (refused.kind == ProcessKind::agent)
    return fmt::format(
        "the node name '{}' is taken: {}. Give each node a name of its own: ride-agent --node NAME, or "
        "RIDE_NODE=NAME before `ride up`",
        refused.node.value, who);
  return fmt::format(
      "the name '{}' is taken: {}. Give each a name of its own with --name; an agent's children have "
      "theirs from its --node",
      slot_name(refused.id), who);
}

// A master that begins cannot see from the logs which of two was there first. Nothing is taken from who has work.
bool came_first(const State& state, const Process& holder, const Rival& rival) {
  if (has_duty(state.hard, holder.last.id)) return true;
  if (rival.first_tick - holder.first_tick > kTogetherTicks) return true;
  return rival.last.started == SystemTime{} || holder.last.started <= rival.last.started;
}

void settle(State& state, const Process& holder, const Rival& rival) {
  if (came_first(state, holder, rival))
    state.soft.due.names_taken.push_back({rival.last.id, refusal(holder.last, rival.last)});
  else
    state.soft.due.names_taken.push_back({holder.last.id, refusal(rival.last, holder.last)});
}

// Its place is free from now on.
void replace(State& state, const WorkerId& holder, const WorkerId& by) {
  const auto process = state.soft.processes.find(holder);
  if (is_passing(state, holder, process->second))
    forget(state, holder);
  else
    state.soft.due.departures.push_back({holder, "replaced by " + by.value, false, false});
}

}  // namespace

bool waits_for_name(State& state, const stream::Heartbeat& beat) {
  auto& soft = state.soft;
  const auto name = soft.names.find(slot_name(beat.id));
  if (name == soft.names.end() || name->second == beat.id) return false;
  const auto holder = soft.processes.find(name->second);
  if (holder == soft.processes.end()) return false;
  auto [found, fresh] = soft.rivals.try_emplace(name->first);
  auto& rival = found->second;
  const bool another = !fresh && rival.last.id != beat.id;
  if (another && soft.ticks - rival.last_tick <= kSilentTicks) return true;  // one after the other
  if (fresh || another) rival = {.first_tick = soft.ticks};
  if (rival.reported == 0 || rival.last_tick != soft.ticks) ++rival.reported;
  rival.may_replace = rival.may_replace || !is_passing(state, holder->first, holder->second);
  rival.last = beat;
  rival.last.children.clear();
  trim(state.hard, rival.last);
  rival.last_tick = soft.ticks;
  if (rival.reported < kBothReported) return true;
  if (rival.holder_reported >= kBothReported && soft.ticks - holder->second.last_tick <= 1)
    settle(state, holder->second, rival);
  else if (soft.ticks - std::max(rival.first_tick, holder->second.last_tick) >= kSilentTicks)
    replace(state, WorkerId{name->second}, beat.id);
  return true;
}

void note_holder(State& state, const WorkerId& id) {
  auto& soft = state.soft;
  if (soft.rivals.empty()) return;
  const auto found = soft.rivals.find(slot_name(id));
  if (found == soft.rivals.end()) return;
  auto& rival = found->second;
  if (rival.last.id == id) return (void)soft.rivals.erase(found);  // it has the name now
  if (rival.holder_tick == soft.ticks) return;
  rival.holder_tick = soft.ticks;
  ++rival.holder_reported;
}

void forget_rivals(State& state) {
  std::erase_if(state.soft.rivals,
                [&](const auto& entry) { return state.soft.ticks - entry.second.last_tick > kSilentTicks; });
}

}  // namespace ride::master
