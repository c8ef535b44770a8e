// Which worker belongs to which group. Sizes are decided elsewhere (sizes.cc); here workers are found for them. Rules,
// in this order:
//   1. no stage stays without a worker while one can be had: own spare, idle worker, another group's spare
//   2. groups grow to `min`, one worker at a time each, so that a small pool is shared fairly
//   3. groups get their spares
//   4. groups grow to what they want beyond `min`: the jobs of higher priority first, else one worker at a time each
//   5. who lacks workers for a while gets one of another group, which hands its partitions back first: of the largest
//   for
//      a stage that has nobody; below `min`, of one that has more than its own; beyond, of a job of lower priority
//   6. groups that have more than they want give back, the slowest first, and so do those with too many spares
// Who is the best for a group: candidates.h.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <tuple>

#include "common/wording.h"
#include "master/core/candidates.h"
#include "master/core/group_rates.h"
#include "master/core/offers.h"
#include "master/core/steps.h"

namespace ride::master {

namespace {

struct Group {
  StageKey key;
  const stream::StageSpec* spec = nullptr;
  int wanted = 1;  // actives
  int least = 1;   // of these, what the job has a right to
  int priority = 0;
};

class Pool {
 public:
  Pool(Draft& draft, State& state, Due& due)
      : draft_(draft),
        state_(state),
        due_(due),
        candidates_(state, draft.now()),
        idle_(candidates_.idle(draft.hard())) {
    std::map<std::int64_t, const Job*> jobs;  // by order of submission
    for (const auto& [name, job] : draft.hard().jobs)
      if (has_owners(job->phase)) jobs[job->order] = &*job;
    for (const auto& [order, job] : jobs) {
      specs_.push_back(job->spec);
      for (const auto& stage : job->spec->stages) add_group(*job, stage);
    }
  }

  void fill() {
    for (const auto* group : starving())
      if (!promote(*group) && !take_idle(*group, false)) take_spare_of_others(*group);
    for (const auto& group : groups_) give_back_spares(group);
    const auto serve = [this](const Group& group) { return promote(group) || take_idle(group, false); };
    grow(
        groups_of([](const Group&) { return true; }), [](const Group& group) { return group.least; }, serve);
    grow_spares();
    for (const int priority : priorities())
      grow(
          groups_of([&](const Group& group) { return group.priority == priority; }),
          [](const Group& group) { return group.wanted; }, serve);
    grow_spares();
    for (const auto& group : groups_) help(group);
    for (const auto& group : groups_) shrink(group);
    // Right after taking over, a master has not had a heartbeat of everyone yet.
    const bool knows_all = state_.soft.ticks - state_.soft.led_tick >= state_.rules.gather_ticks;
    for (const auto& group : groups_) {
      if (knows_all || ticks_since_begin(state_, group.key.job) >= state_.rules.gather_ticks)
        notify_waiting(group);
      else
        state_.soft.pool_again = true;
    }
  }

 private:
  using Offers = Candidates::Offers;

  const Stage& stage(const Group& group) const { return *draft_.hard().find(group.key); }
  int actives(const Group& group) const { return static_cast<int>(stage(group).actives.size()); }
  int spares(const Group& group) const { return static_cast<int>(stage(group).spares.size()); }

  void add_group(const Job& job, const stream::StageSpec& spec) {
    const int wanted = wanted_workers(spec, *job.stages.at(StageName{spec.name}));
    const int least = std::min(wanted, std::clamp(spec.group.min, 1, std::max(1, spec.partitions)));
    groups_.push_back({{job.spec->job, job.spec->run, StageName{spec.name}}, &spec, wanted, least, job.spec->priority});
  }

  template <class Is>
  std::vector<const Group*> groups_of(Is is) const {
    std::vector<const Group*> some;
    for (const auto& group : groups_)
      if (is(group)) some.push_back(&group);
    return some;
  }

  std::set<int, std::greater<>> priorities() const {
    std::set<int, std::greater<>> all;
    for (const auto& group : groups_) all.insert(group.priority);
    return all;
  }

  // The most demanding first: they have the least choice.
  std::vector<const Group*> starving() const {
    auto starving = groups_of([this](const Group& group) { return actives(group) == 0; });
    std::stable_sort(starving.begin(), starving.end(),
                     [](const Group* a, const Group* b) { return demands(a->spec->group) > demands(b->spec->group); });
    return starving;
  }

  // Level by level over all of them, until nobody can be served any more.
  template <class Target, class Serve>
  void grow(std::vector<const Group*> lacking, Target target, Serve serve) {
    for (int level = 1; !lacking.empty(); ++level)
      std::erase_if(lacking, [&](const Group* group) {
        if (actives(*group) >= target(*group)) return true;
        return actives(*group) < level && !serve(*group);
      });
  }

  void grow_spares() {
    auto lacking = groups_of([](const Group& group) { return group.spec->group.spares > 0; });
    for (int level = 1; !lacking.empty(); ++level)
      std::erase_if(lacking, [&](const Group* group) {
        if (spares(*group) >= group->spec->group.spares) return true;
        return spares(*group) < level && !take_idle(*group, true);
      });
  }

  // An agent usually brings a worker back sooner than another group could hand one over.
  void help(const Group& group) {
    auto& since = state_.soft.stages[group.key].lacking_since;
    if (actives(group) >= group.wanted) {
      since = -1;
      return;
    }
    if (since < 0) since = state_.soft.ticks;
    if (state_.soft.ticks - since >= state_.rules.ask_ticks)
      ask_another(group);
    else
      state_.soft.pool_again = true;
  }

  // The slowest goes first; it becomes a spare, hands its partitions back, and is free when they are gone.
  void shrink(const Group& group) {
    struct Member {
      WorkerId worker;
      std::optional<double> rate;  // unknown comes before all
    };
    std::vector<Member> order;
    const auto rates = rates_of(state_.soft, stage(group).actives).each;
    for (const auto& worker : stage(group).actives) order.push_back({worker, rates[order.size()]});
    std::reverse(order.begin(), order.end());  // of equals the last by name
    std::stable_sort(order.begin(), order.end(), [](const Member& a, const Member& b) { return a.rate < b.rate; });
    for (auto at = order.begin(); actives(group) > group.wanted && at != order.end(); ++at)
      join(group, at->worker, true,
           fmt::format("{} has {} and needs {}", group.key.stage.value, counted(actives(group), "worker"),
                       group.wanted));
  }

  void give_back_spares(const Group& group) {
    const auto all = stage(group).spares;
    for (auto at = all.rbegin(); at != all.rend() && spares(group) > group.spec->group.spares; ++at) {
      if (!owns_nothing(stage(group), *at)) continue;
      draft_.decide(stream::JoinGroup{.worker = *at, .reason = group.key.stage.value + " no longer needs it"});
      candidates_.add(idle_, *at);
    }
  }

  bool owns_nothing(const Stage& stage, const WorkerId& worker) const {
    return std::none_of(stage.partitions.begin(), stage.partitions.end(),
                        [&](const Partition& partition) { return partition.owner == worker; });
  }

  std::optional<WorkerId> best(const Group& group, const Offers& offers) const {
    return candidates_.best(group.key, *group.spec, stage(group), offers);
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
    return fmt::format("{} had {} of {}", group.key.stage.value, actives(group), counted(group.wanted, "worker"));
  }

  bool promote(const Group& group) {
    Offers ready;
    for (const auto& spare : stage(group).spares)  // one that still owns partitions is on its way to another group
      if (owns_nothing(stage(group), spare)) candidates_.add(ready, spare);
    const auto worker = best(group, ready);
    if (!worker) return false;
    join(group, *worker, false, "the spare takes over: " + size_of(group));
    return true;
  }

  bool take_idle(const Group& group, bool spare) {
    const auto worker = best(group, idle_);
    if (!worker) return false;
    join(group, *worker, spare,
         spare ? fmt::format("{} had {} of {}", group.key.stage.value, spares(group),
                             counted(group.spec->group.spares, "spare"))
               : size_of(group));
    idle_.erase(*worker);
    return true;
  }

  bool take_spare_of_others(const Group& group) {
    Offers free;
    for (const auto& other : groups_)
      for (const auto& spare : stage(other).spares)
        if (owns_nothing(stage(other), spare)) candidates_.add(free, spare);
    const auto worker = best(group, free);
    if (!worker) return false;
    join(group, *worker, false,
         fmt::format("{} had no worker, so {} gives its spare", group.key.stage.value,
                     draft_.hard().member(*worker)->stage.stage.value));
    return true;
  }

  // It may be asked for one of its workers.
  bool may_give(const Group& donor, const Group& group) const {
    if (donor.key == group.key) return false;
    if (actives(group) == 0) return actives(donor) >= 2;
    if (actives(group) < group.least) return actives(donor) > donor.least;
    return donor.priority < group.priority && actives(donor) > donor.least;
  }

  // Somebody who fits hands its partitions back already.
  bool is_one_on_its_way(const Group& group) const {
    for (const auto& other : groups_)
      for (const auto& spare : stage(other).spares) {
        const auto* beat = candidates_.offer(spare);
        if (beat != nullptr && fits(*beat, group.spec->group) &&
            (actives(group) == 0 || !owns_nothing(stage(other), spare)))
          return true;
      }
    return false;
  }

  void ask_another(const Group& group) {
    if (is_one_on_its_way(group)) {
      state_.soft.pool_again = true;
      return;
    }
    const Group* donor = nullptr;
    for (const auto& other : groups_) {
      if (!may_give(other, group)) continue;
      const auto rank = [this](const Group& one) { return std::tuple(-one.priority, actives(one)); };
      if (donor == nullptr || rank(other) > rank(*donor)) donor = &other;
    }
    if (donor == nullptr) return;
    Offers actives_of_it;
    for (const auto& active : stage(*donor).actives) candidates_.add(actives_of_it, active);
    const auto worker = best(group, actives_of_it);
    if (!worker) return;
    if (owns_nothing(stage(*donor), *worker)) {
      join(group, *worker, false, size_of(group));
      return;
    }
    join(*donor, *worker, true,
         fmt::format("{} has {} of {}, so {} gives one of {}", group.key.stage.value, actives(group),
                     counted(group.wanted, "worker"), donor->key.stage.value, actives(*donor)));
  }

  // What a group lacks is reported when it changes: a job waits visibly.
  void notify_waiting(const Group& group) {
    const int has = actives(group);
    const int spare = spares(group);
    std::string text;
    if (has == 0)
      text = fmt::format("{} waits: no suitable worker is available ({} wanted{})", group.key.stage.value, group.wanted,
                         needs(group.spec->group));
    else if (has < group.wanted)
      text = fmt::format("the pool ran dry: {} has {} of {} for its {}", group.key.stage.value, has,
                         counted(group.wanted, "worker"), counted(group.spec->partitions, "partition"));
    else if (spare < group.spec->group.spares)
      text = fmt::format("{} has {} of {}", group.key.stage.value, spare, counted(group.spec->group.spares, "spare"));
    auto& reported = state_.soft.stages[group.key].waiting;
    if (text == reported) return;
    const bool better = text.empty();
    draft_.act(Notify{.severity = better ? stream::Severity::info : stream::Severity::warning,
                      .code = better               ? "group_full"
                              : has == 0           ? "stage_waits"
                              : has < group.wanted ? "pool_dry"
                                                   : "spares_low",
                      .job = group.key.job.value,
                      .stage = group.key.stage.value,
                      .text = better ? fmt::format("{} has all its workers: {}, and {}", group.key.stage.value, has,
                                                   counted(spare, "spare"))
                                     : text});
    reported = text;
  }

  Draft& draft_;
  State& state_;
  Due& due_;
  const Candidates candidates_;
  Offers idle_;
  std::vector<Group> groups_;
  std::vector<std::shared_ptr<const stream::JobSpec>> specs_;  // keep the groups' specs alive
};

}  // namespace

void fill_groups(Draft& draft, State& state, Due& due) {
  if (!due.pool) return;
  Pool(draft, state, due).fill();
}

}  // namespace ride::master
