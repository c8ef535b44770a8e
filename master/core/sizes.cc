// How large each group shall be (decision 0014): out fast, in slowly, and each change with its reason. A size that a
// person holds is left alone, and unknown is not zero: without data nothing changes.
#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "master/core/group_rates.h"
#include "master/core/sizing.h"
#include "master/core/steps.h"

namespace ride::master {

namespace {

constexpr int kLooksBeforeMore = 2;  // so often in a row it must have been too few

StageLoad load_of(const State& state, const Stage& stage, StageReports& reports) {
  StageLoad load;
  load.arrival = reports.flow.arrival();
  load.arrival_at_least = reports.flow.arrival_at_least().value_or(0);
  load.steady_at_least = reports.flow.steady_at_least().value_or(0);
  load.lag = static_cast<double>(reports.flow.lag());
  auto rates = rates_of(state.soft, stage.actives);
  load.rates = std::move(rates.each);
  load.utilisation = rates.utilisation;
  if (rates.mean) reports.usual_rate = rates.mean;
  load.usual_rate = reports.usual_rate;
  return load;
}

// Somebody is missing, or a partition is on its way: what is measured now says little.
bool is_settled(const Stage& stage) {
  return stage.releasing == 0 && std::none_of(stage.partitions.begin(), stage.partitions.end(),
                                              [](const Partition& one) { return one.owner.value.empty(); });
}

class Sizer {
 public:
  Sizer(Draft& draft, State& state, Due& due, const StageKey& key, const stream::StageSpec& spec)
      : draft_(draft),
        due_(due),
        key_(key),
        spec_(spec),
        stage_(*draft.hard().find(key)),
        reports_(state.soft.stages[key]),
        load_(load_of(state, stage_, reports_)),
        now_(wanted_workers(spec, stage_)) {}

  void size() {
    const auto advice = advise(load_, spec_.group.scaling);
    if (!advice) {
      reports_.too_few = 0;
      return;
    }
    const int least = std::clamp(spec_.group.min, 1, spec_.partitions);
    const int most = std::clamp(spec_.group.max, least, spec_.partitions);
    const int enough = std::clamp(advice->enough, least, most), surely = std::clamp(advice->surely, least, most);
    const auto calm = std::chrono::milliseconds(spec_.group.scaling.calm_ms);
    reports_.sizes.add(draft_.now(), enough, calm);
    if (surely > now_) return more(surely, *advice);
    reports_.too_few = 0;
    if (enough < now_ && is_settled(stage_)) less(calm, *advice);
  }

 private:
  void more(int enough, const SizeAdvice& advice) {
    if (++reports_.too_few < kLooksBeforeMore) return;
    reports_.too_few = 0;
    decide(enough, fmt::format("{} → {}: {}", now_, enough, advice.why));
  }

  void less(std::chrono::milliseconds calm, const SizeAdvice& advice) {
    const auto most = reports_.sizes.most(draft_.now(), calm);
    if (!most || *most >= now_) return;
    decide(*most, fmt::format("{} → {}: {}; {} were enough for {:g} s", now_, *most, advice.why, *most,
                              static_cast<double>(calm.count()) / 1000));
  }

  void decide(int workers, std::string reason) {
    draft_.decide(stream::Scale{.job = key_.job,
                                .run = key_.run,
                                .stage = key_.stage,
                                .workers = workers,
                                .reason = std::move(reason),
                                .at = draft_.now()});
    due_.pool = true;
    due_.stages.insert(key_);
  }

  Draft& draft_;
  Due& due_;
  const StageKey& key_;
  const stream::StageSpec& spec_;
  const Stage stage_;  // as it was when the step began
  StageReports& reports_;
  const StageLoad load_;
  const int now_;
};

}  // namespace

void size_groups(Draft& draft, State& state, Due& due) {
  if (!due.sizes) return;
  std::vector<std::shared_ptr<const stream::JobSpec>> specs;
  for (const auto& [name, job] : draft.hard().jobs)
    if (job->phase == JobPhase::running || job->phase == JobPhase::draining) specs.push_back(job->spec);
  for (const auto& spec : specs) {
    for (const auto& stage : spec->stages) {
      const StageKey key{spec->job, spec->run, StageName{stage.name}};
      state.soft.stages[key].flow.sample(draft.now());
      const auto& now = *draft.hard().find(key);
      if (now.actives.size() > 1 && is_settled(now)) due.stages.insert(key);  // partitions may lie better with another
      if (now.held)
        state.soft.stages[key].sizes.clear();  // calm is counted anew from when it is let go
      else
        Sizer(draft, state, due, key, stage).size();
    }
  }
}

}  // namespace ride::master
