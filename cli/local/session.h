// One `ride up` or `ride run` from the topology to the summary: start, submit or continue, watch, end in order.
// Threads: one. Failure: printed, and the exit code returned; nothing is left running in any case.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/core/exit_code.h"
#include "cli/core/settings.h"

namespace ride::cli {

struct SessionOptions {
  std::string file;
  std::vector<std::string> plugins = {};  // whose tasks the file may name
  std::vector<std::string> permits = {};  // plug-ins of other jobs that the workers may load, besides those of the file
  Settings settings;
  std::filesystem::path state;  // folder; of `run`: a temporary one
  bool fresh = false;           // wipe it first
  bool reload = false;          // bring in new versions of Python files and plug-ins while the job runs
  bool finite = false;          // `run`: end with the job, refuse an endless source, progress bar
  bool keep = false;            // `run`: do not remove the folder
  bool resume = false;          // `run`: leave out what an earlier one has written
  bool any_recipe = false;      // ... by whatever version of the topology
  bool json = false;            // the summary as JSON on standard output, all else on standard error
  std::optional<std::chrono::milliseconds> duration;  // end by itself, drained
};

ExitCode run_session(const SessionOptions& options);

}  // namespace ride::cli
