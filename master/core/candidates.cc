#include "master/core/candidates.h"

#include <tuple>

#include "master/core/offers.h"

namespace ride::master {

namespace {

constexpr std::chrono::seconds kSuspicion{10};  // of a node on which somebody fell silent
constexpr std::int64_t kQuietTicks = 2;

}  // namespace

// Who falls silent often takes its node along: those who are next to it may be dead and not yet missed.
Candidates::Candidates(const State& state, SystemTime now) : state_(state) {
  for (const auto& [id, departure] : state.soft.leaving)
    if (const auto* beat = offer(id); beat != nullptr && departure.silent) suspected_.insert(beat->node);
  for (const auto& gone : state.soft.gone)
    if (gone.silent && now - gone.at < kSuspicion) suspected_.insert(gone.last.node);
}

const stream::Heartbeat* Candidates::offer(const WorkerId& worker) const {
  const auto found = state_.soft.processes.find(worker);
  return found == state_.soft.processes.end() ? nullptr : &found->second.last;
}

void Candidates::add(Offers& offers, const WorkerId& worker) const {
  if (const auto* beat = offer(worker)) offers.emplace(worker, beat);
}

Candidates::Offers Candidates::idle(const Hard& hard) const {
  Offers idle;
  for (const auto& [id, process] : state_.soft.processes)
    if (process.heard && process.last.kind == ProcessKind::worker && hard.member(id) == nullptr && !hard.is_out(id))
      idle.emplace(id, &process.last);
  return idle;
}

bool Candidates::is_doubtful(const WorkerId& worker, const stream::Heartbeat& beat) const {
  return state_.soft.ticks - state_.soft.processes.at(worker).last_tick >= kQuietTicks ||
         suspected_.contains(beat.node);
}

std::map<NodeName, int> Candidates::members_by_node(const Stage& stage) const {
  std::map<NodeName, int> count;
  for (const auto* set : {&stage.actives, &stage.spares})
    for (const auto& worker : *set)
      if (const auto* beat = offer(worker)) ++count[beat->node];
  return count;
}

std::optional<WorkerId> Candidates::best(const StageKey& key, const stream::StageSpec& spec, const Stage& stage,
                                         const Offers& offers) const {
  const auto by_node = members_by_node(stage);
  const auto& wanted = spec.group;
  const auto task = key.job.value + "/" + key.stage.value;
  std::optional<std::tuple<bool, bool, bool, std::size_t, int, double, std::int64_t>> least;
  const WorkerId* best = nullptr;
  for (const auto& [worker, beat] : offers) {  // by name
    if (!fits(*beat, wanted)) continue;
    const bool gpu = has_gpu(*beat);
    const bool no_gpu = wanted.device == "prefer_gpu" && !gpu;
    // What others may ask for and this group does not.
    const auto wasted = (wanted.device == "cpu" && gpu) + beat->labels.size() - wanted.labels.size();
    const bool cold = !(beat->warm && beat->group == task);
    const auto node = by_node.find(beat->node);
    const std::tuple rank(is_doubtful(worker, *beat), no_gpu, cold, wasted, node == by_node.end() ? 0 : node->second,
                          beat->cores, beat->memory_bytes);
    if (best != nullptr && !(rank < *least)) continue;
    least = rank;
    best = &worker;
  }
  return best == nullptr ? std::nullopt : std::optional(*best);
}

}  // namespace ride::master
