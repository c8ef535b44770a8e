// What this machine has and how busy it is, from /proc, /dev and the control group that we run in. Owner: one thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace ride::process {

struct NodeFacts {
  double cores = 1;               // that we may use
  std::int64_t memory_bytes = 0;  // that the node has, or our cgroup's limit
  std::vector<std::string> devices = {"cpu"};
  std::vector<std::string> cameras;  // "/dev/video0", ...
};
NodeFacts read_node_facts();

// Busy share of all cores since the last call, in percent of one core (so 200 is two busy cores); 0 at the first call.
class NodeLoad {
 public:
  double sample();
  // From the text of /proc/stat; for tests.
  double sample(const std::string& proc_stat);

 private:
  double busy_ = -1, total_ = 0;
};

// Processes that this system has killed because memory ran out, since it runs; nothing when it does not say.
std::optional<std::int64_t> out_of_memory_kills();

std::vector<int> usable_core_numbers();                       // that we may run on
std::int64_t free_disk(const std::filesystem::path& folder);  // bytes; empty: the working folder
std::int64_t machine_memory();                                // bytes that it has, whatever we may use
std::int64_t available_memory();                              // bytes that could be used now

}  // namespace ride::process
