#include "bench/job_group.h"

#include <algorithm>

namespace ride::bench {

bool JobGroup::complete(std::size_t actives_wanted, std::size_t spares_wanted) const {
  if (actives.size() != actives_wanted || spares.size() != spares_wanted) return false;
  const auto warm = [this](const std::string& id) {
    const auto found = workers.find(id);
    return found != workers.end() && found->second.warm;
  };
  return std::all_of(actives.begin(), actives.end(), warm) && std::all_of(spares.begin(), spares.end(), warm) &&
         std::all_of(owners.begin(), owners.end(), [this](const auto& one) { return actives.contains(one.second); });
}

Result<JobGroup> read_group(LocalCluster& cluster, const std::string& job, const std::string& stage) {
  RIDE_ASSIGN(auto view, cluster.get("/jobs/" + job));
  RIDE_ASSIGN(auto workers, cluster.get("/workers"));
  JobGroup group;
  for (const auto& one : workers.at("workers")) {
    if (one.value("state", "") != "live" || one.value("kind", "") != "worker") continue;
    group.workers[one.value("id", "")] = {one.value("node", ""), one.value("pid", 0), one.value("warm", false)};
  }
  for (const auto& one : view.at("stages")) {
    if (one.value("stage", "") != stage) continue;
    for (const auto& id : one.at("workers")) group.actives.insert(id.get<std::string>());
    for (const auto& id : one.at("spares")) group.spares.insert(id.get<std::string>());
    for (const auto& partition : one.at("partition_list"))
      group.owners[partition.value("partition", 0)] =
          partition.at("worker").is_null() ? "" : partition.value("worker", "");
  }
  return group;
}

Result<JobGroup> wait_for_group(LocalCluster& cluster, const std::string& job, const std::string& stage,
                                std::size_t actives, std::size_t spares, std::chrono::seconds timeout) {
  JobGroup last;
  const bool complete = wait_until(timeout, [&] {
    auto group = read_group(cluster, job, stage);
    if (!group.ok()) return false;
    last = std::move(group).value();
    return last.complete(actives, spares);
  });
  if (complete) return last;
  return Error{ErrorCode::timeout, "the group of stage " + stage + " has " + std::to_string(last.actives.size()) +
                                       " of " + std::to_string(actives) + " workers and " +
                                       std::to_string(last.spares.size()) + " of " + std::to_string(spares) +
                                       " spares, or they are not warm"};
}

}  // namespace ride::bench
