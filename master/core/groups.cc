// Which worker belongs to which group: sizes are static (`min`, and spares) for now. Rules, in this order:
//   1. no stage stays without a worker while one can be had: own spare, idle worker, another group's spare
//   2. groups grow to `min`, one worker at a time each, so that a small pool is shared fairly
//   3. groups get their spares
//   4. a stage that still has nobody gets a worker of the largest group, which hands its partitions back first
// Best fit: right device, surely alive (heard a moment ago, on a node where nobody fell silent), warm, nothing wasted that
// others ask for, on the node with the fewest of the group, then the one whose cores and memory fit most closely, then
// by name.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <tuple>

#include "master/core/steps.h"

namespace ride::master {

namespace {

struct Group {
  StageKey key;
  const stream::StageSpec* spec = nullptr;
  int wanted = 1;  // actives
};

bool has_gpu(const stream::Heartbeat& offer) {
  return std::find(offer.devices.begin(), offer.devices.end(), "gpu") != offer.devices.end();
}

bool fits(const stream::Heartbeat& offer, const stream::GroupSpec& group) {
  if (group.device == "gpu" && !has_gpu(offer)) return false;
  // 0: shared with others, or not stated; then nothing is known against it.
  if (group.cores > 0 && offer.cores > 0 && offer.cores < group.cores) return false;
  if (group.memory_bytes > 0 && offer.memory_bytes > 0 && offer.memory_bytes < group.memory_bytes) return false;
  return std::all_of(group.labels.begin(), group.labels.end(), [&](const auto& label) {
    const auto found = offer.labels.find(label.first);
    return found != offer.labels.end() && found->second == label.second;
  });
}

constexpr std::chrono::seconds kSuspicion{10};  // of a node on which somebody fell silent
constexpr std::int64_t kQuietTicks = 2;

class Pool {
 public:
  Pool(Draft& draft, State& state, Due& due) : draft_(draft), state_(state), due_(due) {
    for (const auto& [id, process] : state.soft.processes)
      if (process.heard && process.last.kind == ProcessKind::worker && draft.hard().member(id) == nullptr &&
          !draft.hard().is_out(id))
        idle_.emplace(id, &process.last);
    suspect_nodes();
    std::map<std::int64_t, const Job*> jobs;  // by order of submission
    for (const auto& [name, job] : draft.hard().jobs)
      if (has_owners(job->phase)) jobs[job->order] = &*job;
    for (const auto& [order, job] : jobs) {
      specs_.push_back(job->spec);
      for (const auto& stage : job->spec->stages)
        groups_.push_back({{job->spec->job, job->spec->run, StageName{stage.name}}, &stage,
                           wanted_workers(stage, *job->stages.at(StageName{stage.name}))});
    }
  }

  void fill() {
    for (const auto* group : starving())
      if (!promote(*group) && !take_idle(*group, false)) take_spare_of_others(*group);
    grow([this](const Group& group, int level) { return actives(group) < std::min(level, group.wanted); },
         [this](const Group& group) { return promote(group) || take_idle(group, false); });
    grow([this](const Group& group, int level) { return spares(group) < std::min(level, group.spec->group.spares); },
         [this](const Group& group) { return take_idle(group, true); });
    for (const auto& group : groups_) help_starving(group);
    // Right after taking over, a master has not heard of everyone yet.
    const bool knows_all = state_.soft.ticks - state_.soft.led_tick >= state_.rules.gather_ticks;
    for (const auto& group : groups_) {
      if (knows_all || ticks_since_begin(state_, group.key.job) >= state_.rules.gather_ticks)
        tell(group);
      else
        state_.soft.pool_again = true;
    }
  }

 private:
  using Offers = std::map<WorkerId, const stream::Heartbeat*>;

  const Stage& stage(const Group& group) const { return *draft_.hard().find(group.key); }
  int actives(const Group& group) const { return static_cast<int>(stage(group).actives.size()); }
  int spares(const Group& group) const { return static_cast<int>(stage(group).spares.size()); }

  // The most demanding first: they have the least choice.
  std::vector<const Group*> starving() const {
    std::vector<const Group*> starving;
    for (const auto& group : groups_)
      if (actives(group) == 0) starving.push_back(&group);
    const auto demands = [](const Group* group) {
      const auto& wants = group->spec->group;
      return (wants.device == "gpu") + (wants.cores > 0) + (wants.memory_bytes > 0) + 2 * wants.labels.size();
    };
    std::stable_sort(starving.begin(), starving.end(),
                     [&](const Group* a, const Group* b) { return demands(a) > demands(b); });
    return starving;
  }

  // An agent usually brings a worker back sooner than another group could hand one over.
  void help_starving(const Group& group) {
    auto& since = state_.soft.stages[group.key].starving_since;
    if (actives(group) > 0) {
      since = -1;
      return;
    }
    if (since < 0) since = state_.soft.ticks;
    if (state_.soft.ticks - since >= state_.rules.ask_ticks)
      ask_the_largest(group);
    else
      state_.soft.pool_again = true;
  }

  // Level by level over all groups, until nobody can be served any more.
  template <class Lacks, class Serve>
  void grow(Lacks lacks, Serve serve) {
    int levels = 1;
    std::vector<const Group*> lacking;
    for (const auto& group : groups_) {
      const int most = std::max(group.wanted, group.spec->group.spares);
      if (!lacks(group, most)) continue;
      lacking.push_back(&group);
      levels = std::max(levels, most);
    }
    for (int level = 1; level <= levels && !lacking.empty(); ++level)
      std::erase_if(lacking, [&](const Group* group) { return lacks(*group, level) && !serve(*group); });
  }

  // Who falls silent often takes its node along: those who are next to it may be dead and not yet missed.
  void suspect_nodes() {
    for (const auto& [id, departure] : state_.soft.leaving)
      if (const auto* beat = offer(id); beat != nullptr && departure.silent) suspected_.insert(beat->node);
    for (const auto& gone : state_.soft.gone)
      if (gone.silent && draft_.now() - gone.at < kSuspicion) suspected_.insert(gone.last.node);
  }

  bool is_doubtful(const WorkerId& worker, const stream::Heartbeat& beat) const {
    return state_.soft.ticks - state_.soft.processes.at(worker).last_tick >= kQuietTicks ||
           suspected_.contains(beat.node);
  }

  const stream::Heartbeat* offer(const WorkerId& worker) const {
    const auto found = state_.soft.processes.find(worker);
    return found == state_.soft.processes.end() ? nullptr : &found->second.last;
  }

  bool owns_nothing(const Stage& stage, const WorkerId& worker) const {
    return std::none_of(stage.partitions.begin(), stage.partitions.end(),
                        [&](const Partition& partition) { return partition.owner == worker; });
  }

  std::map<NodeName, int> members_by_node(const Group& group) const {
    std::map<NodeName, int> count;
    for (const auto* set : {&stage(group).actives, &stage(group).spares})
      for (const auto& worker : *set)
        if (const auto* beat = offer(worker)) ++count[beat->node];
    return count;
  }

  void add_offer(Offers& offers, const WorkerId& worker) const {
    if (const auto* beat = offer(worker)) offers.emplace(worker, beat);
  }

  std::optional<WorkerId> best(const Group& group, const Offers& candidates) const {
    const auto by_node = members_by_node(group);
    const auto& wanted = group.spec->group;
    const auto task = group.key.job.value + "/" + group.key.stage.value;
    std::optional<std::tuple<bool, bool, bool, std::size_t, int, double, std::int64_t>> least;
    const WorkerId* best = nullptr;
    for (const auto& [worker, beat] : candidates) {  // by name
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

  void join(const Group& group, const WorkerId& worker, bool spare, std::string reason) {
    if (const auto* before = draft_.hard().member(worker)) due_.stages.insert(before->stage);
    draft_.decide(stream::JoinGroup{.worker = worker,
                                    .job = group.key.job,
                                    .run = group.key.run,
                                    .stage = group.key.stage,
                                    .spare = spare,
                                    .reason = std::move(reason)});
    due_.stages.insert(group.key);
  }

  std::string size_of(const Group& group) const {
    return fmt::format("{} had {} of {} workers", group.key.stage.value, actives(group), group.wanted);
  }

  bool promote(const Group& group) {
    Offers ready;
    for (const auto& spare : stage(group).spares)  // one that still owns partitions is on its way to another group
      if (owns_nothing(stage(group), spare)) add_offer(ready, spare);
    const auto worker = best(group, ready);
    if (!worker) return false;
    join(group, *worker, false, "the spare takes over: " + size_of(group));
    return true;
  }

  bool take_idle(const Group& group, bool spare) {
    const auto worker = best(group, idle_);
    if (!worker) return false;
    join(group, *worker, spare,
         spare ? fmt::format("{} had {} of {} spares", group.key.stage.value, spares(group), group.spec->group.spares)
               : size_of(group));
    idle_.erase(*worker);
    return true;
  }

  bool take_spare_of_others(const Group& group) {
    Offers free;
    for (const auto& other : groups_)
      for (const auto& spare : stage(other).spares)
        if (owns_nothing(stage(other), spare)) add_offer(free, spare);
    const auto worker = best(group, free);
    if (!worker) return false;
    join(group, *worker, false,
         fmt::format("{} had no worker, so {} gives its spare", group.key.stage.value,
                     draft_.hard().member(*worker)->stage.stage.value));
    return true;
  }

  void ask_the_largest(const Group& group) {
    const Group* largest = nullptr;
    for (const auto& other : groups_) {
      for (const auto& spare : stage(other).spares) {
        const auto* beat = offer(spare);  // one is on its way already
        if (beat != nullptr && fits(*beat, group.spec->group)) return;
      }
      if (actives(other) >= 2 && (largest == nullptr || actives(other) > actives(*largest))) largest = &other;
    }
    if (largest == nullptr) return;
    Offers actives_of_it;
    for (const auto& active : stage(*largest).actives) add_offer(actives_of_it, active);
    const auto worker = best(group, actives_of_it);
    if (!worker) return;
    if (owns_nothing(stage(*largest), *worker)) {
      join(group, *worker, false, fmt::format("{} had no worker", group.key.stage.value));
      return;
    }
    join(*largest, *worker, true,
         fmt::format("{} has no worker, so {} gives one of {}", group.key.stage.value, largest->key.stage.value,
                     actives(*largest)));
  }

  // What a group lacks is said when it changes: a job waits visibly.
  void tell(const Group& group) {
    const int has = actives(group);
    const int spare = spares(group);
    std::string text;
    if (has == 0)
      text = fmt::format("{} waits: no fitting worker is there ({} wanted{})", group.key.stage.value, group.wanted,
                         needs(group.spec->group));
    else if (has < group.wanted)
      text = fmt::format("the pool ran dry: {} has {} of {} workers, which share its {} partitions",
                         group.key.stage.value, has, group.wanted, group.spec->partitions);
    else if (spare < group.spec->group.spares)
      text = fmt::format("{} has {} of {} spares", group.key.stage.value, spare, group.spec->group.spares);
    auto& told = state_.soft.stages[group.key].waiting;
    if (text == told) return;
    const bool better = text.empty();
    draft_.act(Tell{
        .severity = better ? stream::Severity::info : stream::Severity::warning,
        .code = better               ? "group_full"
                : has == 0           ? "stage_waits"
                : has < group.wanted ? "pool_dry"
                                     : "spares_low",
        .job = group.key.job.value,
        .stage = group.key.stage.value,
        .text = better ? fmt::format("{} has all its workers: {}, and {} spares", group.key.stage.value, has, spare)
                       : text});
    told = text;
  }

  static std::string needs(const stream::GroupSpec& group) {
    std::string text;
    if (group.device == "gpu") text += ", with a GPU";
    if (group.cores > 0) text += fmt::format(", with {} cores", group.cores);
    if (group.memory_bytes > 0) text += ", with " + format_byte_size({group.memory_bytes});
    for (const auto& [name, value] : group.labels) text += fmt::format(", labelled {}={}", name, value);
    return text;
  }

  Draft& draft_;
  State& state_;
  Due& due_;
  Offers idle_;
  std::set<NodeName> suspected_;
  std::vector<Group> groups_;
  std::vector<std::shared_ptr<const stream::JobSpec>> specs_;  // keep the groups' specs alive
};

}  // namespace

void fill_groups(Draft& draft, State& state, Due& due) {
  if (!due.pool) return;
  Pool(draft, state, due).fill();
}

}  // namespace ride::master
