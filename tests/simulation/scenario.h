// Scenario: what a seed stands for: the job with its partitions, groups and tasks, the hosts, the faults. Pure values.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "stream/spec.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/sim_task.h"

namespace ride::simulation {

// A person gives a stage so many workers.
struct Scaling {
  Time at{0};
  std::string stage;
  int workers = 1;
};

struct Scenario {
  std::uint64_t seed = 0;
  stream::JobSpec job;
  std::map<std::string, SimTask::Config> tasks;  // by stage
  Hosts hosts;
  std::vector<Fault> faults;
  std::vector<Scaling> scalings;  // by time
  bool round_trip = false;        // decisions go through their JSON
  std::int64_t snapshot_records = 5000;
  std::size_t snapshot_part_bytes = 500'000;
};

inline constexpr Time kFaultsFrom{1'500'000}, kFaultsUntil{8'000'000};

Scenario draw_scenario(std::uint64_t seed);

}  // namespace ride::simulation
