// What is wrong with a hard state: the invariants that can be seen in it.
#include <spdlog/fmt/fmt.h>

#include "master/core/apply.h"
#include "stream/core/control_limits.h"

namespace ride::master {

namespace {

std::optional<std::string> find_violation(const Hard& hard, const StageKey& key, const Stage& stage) {
  int releasing = 0;
  for (std::size_t i = 0; i < stage.partitions.size(); ++i) {
    const auto& partition = stage.partitions[i];
    if (partition.releasing) ++releasing;
    if (partition.epoch > stage.epoch) return fmt::format("{}/{}: epoch above the stage's", to_string(key), i);
    if (partition.owner.value.empty()) continue;
    if (!stage.actives.contains(partition.owner) && !stage.spares.contains(partition.owner))
      return fmt::format("{}/{}: its owner {} is not in the group", to_string(key), i, partition.owner.value);
    if (hard.is_out(partition.owner))
      return fmt::format("{}/{}: its owner {} is out", to_string(key), i, partition.owner.value);
  }
  if (releasing != stage.releasing) return to_string(key) + ": the count of releasing partitions is wrong";
  for (const auto* group : {&stage.actives, &stage.spares}) {
    for (const auto& worker : *group) {
      if (hard.is_out(worker)) return fmt::format("{}: {} is in the group, and out", to_string(key), worker.value);
      const auto* member = hard.member(worker);
      if (member == nullptr || member->stage != key || member->spare != (group == &stage.spares))
        return fmt::format("{}: {} is in the group, its membership says otherwise", to_string(key), worker.value);
    }
  }
  return std::nullopt;
}

// Its parts are those that it declares, and its numbers are known to be used up.
std::optional<std::string> find_violation(const Hard& hard, const Job& job) {
  const auto& spec = *job.spec;
  const auto run = hard.runs.find(spec.job);
  if (run == hard.runs.end() || run->second < spec.run)
    return fmt::format("{}: its run is not counted", spec.job.value);
  if (job.stages.size() != spec.stages.size() || job.sources.size() != spec.sources.size())
    return fmt::format("{}: its parts are not those that it declares", spec.job.value);
  for (const auto& declared : spec.stages) {
    const auto stage = job.stages.find(StageName{declared.name});
    if (stage == job.stages.end() || static_cast<int>(stage->second->partitions.size()) != declared.partitions)
      return fmt::format("{}/{}: it is not as it is declared", spec.job.value, declared.name);
  }
  for (const auto& declared : spec.sources)
    if (!job.sources.contains(declared.name))
      return fmt::format("{}/{}: a source that is declared is not there", spec.job.value, declared.name);
  if (job.next != nullptr && (job.next->spec.job != spec.job || job.next->spec.run <= spec.run))
    return fmt::format("{}: what follows is not its next run", spec.job.value);
  return std::nullopt;
}

}  // namespace

std::optional<std::string> find_violation(const Hard& hard) {
  std::set<std::int64_t> orders;
  for (const auto& [name, job] : hard.jobs) {
    if (name != job->spec->job) return name.value + ": it is known by another name";
    if (job->order > hard.accepted || !orders.insert(job->order).second)
      return name.value + ": its order is not its own";
    if (auto wrong = find_violation(hard, *job)) return wrong;
    for (const auto& [stage_name, stage] : job->stages)
      if (auto wrong = find_violation(hard, {name, job->spec->run, stage_name}, *stage)) return wrong;
    for (const auto& [source_name, source] : job->sources)
      if (!source.producer.value.empty() && hard.is_out(source.producer))
        return fmt::format("{}/{}: its producer {} is out", name.value, source_name, source.producer.value);
  }
  for (const auto& [worker, member] : *hard.members) {
    const auto* stage = hard.find(member.stage);
    if (stage == nullptr) return worker.value + " is in a group that is not there";
    if (!(member.spare ? stage->spares : stage->actives).contains(worker))
      return worker.value + " is not in the group that it belongs to";
  }
  return std::nullopt;
}

}  // namespace ride::master
