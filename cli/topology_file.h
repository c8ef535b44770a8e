// Reading a topology file on this side: its text, and what is wrong with it, printed as a compiler would. Threads: any.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "cli/core/exit_code.h"
#include "common/result.h"
#include "topology/plan.h"
#include "topology/topology.h"

namespace ride::cli {

struct TopologyFile {
  std::string path, text;
  topology::ParseOutcome outcome;
  std::vector<std::string> plugins = {};  // whose tasks it was checked with, absolute
  bool valid() const { return outcome.topology.has_value(); }
  const topology::Topology& topology() const { return *outcome.topology; }
};

// `plugins`: files whose tasks stages may name, beside the built-in ones; what is wrong with one is an Error.
// `stop` breaks off waiting for a pipe that says nothing, and a plug-in that hangs (cancelled): for commands in which
// Ctrl-C no longer ends the process.
Result<TopologyFile> load_topology(const std::string& path, const std::vector<std::string>& plugins,
                                   std::stop_token stop = {});

// Errors and warnings to standard error (or as JSON to standard output). ok when the file is valid.
ExitCode report_diagnostics(const TopologyFile& file, bool json);

// load_topology() and report_diagnostics(): the file where it is valid, else the exit code that the command ends with.
struct CheckedFile {
  std::optional<TopologyFile> file;
  ExitCode failure = ExitCode::ok;
};
CheckedFile checked_topology(const std::string& path, const std::vector<std::string>& plugins,
                             std::stop_token stop = {});

}  // namespace ride::cli
