// What `ride up` and `ride run` need to know of a topology before and after it runs. Pure, but for the environment.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/result.h"
#include "topology/topology.h"

namespace ride::cli {

struct Need {
  int slots = 1, producers = 1;
};
// Every group's own workers and spares: a worker belongs to one group at a time. `slots`: what was asked for, 0:
// nothing.
Need need_of(const topology::Topology& topology, int slots);

// A stage without a worker passes nothing on: fewer slots than stages would wait for ever. `place`: where the number
// stands. invalid_argument: says how many it takes.
Result<void> check_slots(const topology::Topology& topology, int slots, const std::string& place);

// The producers are our children: a variable that is missing here is missing there, and nothing would ever come.
Result<void> check_variables(const topology::Topology& topology);

// invalid_argument: names the sources that never end, and what to do.
Result<void> check_finite(const topology::Topology& topology, const std::string& file);

// Sources and stages whose file says that late frames are dropped.
std::vector<std::string> may_drop(const topology::Topology& topology);
std::map<std::string, std::vector<std::string>> upstreams_of(const topology::Topology& topology);

}  // namespace ride::cli
