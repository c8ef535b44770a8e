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

// A plug-in that the file itself names: it comes with the job.
struct NamedPlugin {
  std::string value;         // as the file has it
  std::string path, sha256;  // absolute; of its bytes
  std::string declarations;  // of its tasks, as JSON
};

struct TopologyFile {
  std::string path, text;
  topology::ParseOutcome outcome;
  std::vector<std::string> plugins = {};  // whose tasks it was checked with, absolute
  std::vector<NamedPlugin> named = {};    // ... and those that it names
  bool lacks_plugin = false;              // that it names: nobody need be asked about the rest
  bool valid() const { return outcome.topology.has_value(); }
  const topology::Topology& topology() const { return *outcome.topology; }
};

// `plugins`: files whose tasks stages may name, beside the built-in ones; what is wrong with one is an Error.
// One that the file names and that cannot be described is the only thing that is said of the file.
// `stop` breaks off waiting for a pipe that says nothing, and a plug-in that hangs (cancelled): for commands in which
// Ctrl-C no longer ends the process.
Result<TopologyFile> load_topology(const std::string& path, const std::vector<std::string>& plugins,
                                   std::stop_token stop = {});

// Whose tasks a process needs that runs them here, by path: both kinds.
std::vector<std::string> all_plugins(const TopologyFile& file);

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
