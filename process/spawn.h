// Starts a program: a process group of its own, no signal blocked or ignored, no descriptor of ours but those that it
// is given, and SIGKILL or another signal when its parent ends, where that is asked for. Blocks until the program runs
// or cannot. Call it from a thread that lives as long as the child: the kernel sends "your parent died" when the
// forking *thread* ends, not the process. Failure: not_found or permission when the program cannot be run;
// resource_exhausted when the system has no process for us.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace ride::process {

inline constexpr int kInherited = 3;  // the number of an inherited descriptor in the child

struct SpawnPlan {
  std::vector<std::string> arguments;    // the first is the program's path
  std::vector<std::string> environment;  // all of it, "NAME=value" (environment_with())
  std::filesystem::path working_folder;  // empty: ours
  int output = -1;                       // what its standard output and error are; -1: ours
  int inherited = -1;                    // a descriptor that it keeps, as kInherited; -1: none
  int signal_on_parent_death = 0;        // 0: it outlives us
  std::vector<int> cores;                // that it may run on; empty: ours
};

// The caller reaps it.
Result<pid_t> spawn(const SpawnPlan& plan);

// Our environment, less what `without` names, and with `more` ("NAME=value"), which replaces.
std::vector<std::string> environment_with(const std::vector<std::string>& more,
                                          const std::vector<std::string_view>& without = {});
// As exec() wants them, with a null behind the last; they point into `texts`.
std::vector<char*> pointers(const std::vector<std::string>& texts);

}  // namespace ride::process
