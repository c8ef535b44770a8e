// Who works in a stage and who waits: the master's view of one group, for benchmarks that kill some of it. Values.
#pragma once

#include <map>
#include <set>
#include <string>

#include "bench/local_cluster.h"

namespace ride::bench {

struct JobGroup {
  struct Worker {
    std::string node;
    int pid = 0;
    bool warm = false;
  };
  std::map<std::string, Worker> workers;  // by incarnation; all that are alive
  std::set<std::string> actives, spares;  // of the stage
  std::map<int, std::string> owners;      // by partition

  // So many of each, all warm, and every partition with an active.
  bool complete(std::size_t actives_wanted, std::size_t spares_wanted) const;
};

Result<JobGroup> read_group(LocalCluster& cluster, const std::string& job, const std::string& stage);
Result<JobGroup> wait_for_group(LocalCluster& cluster, const std::string& job, const std::string& stage,
                                std::size_t actives, std::size_t spares, std::chrono::seconds timeout);

}  // namespace ride::bench
