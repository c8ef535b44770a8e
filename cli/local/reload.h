// New versions of what a local `ride up` runs: a Python file of a stage, or a plug-in, that was saved is opened in a
// process of its own, and where that works it is put where the next workers look for it (decision 0050). Owner: the
// session; one thread. Failure: what is wrong with a new version is told, and the version before stays.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "cli/local/file_watch.h"
#include "cli/shipping.h"
#include "cli/topology_file.h"
#include "common/task_decl.h"

namespace ride::cli {

class Reload {
 public:
  // `folder`: in the state folder, absolute; what it holds of an earlier `ride up` still counts for the job that goes
  // on.
  Reload(const TopologyFile& topology, std::filesystem::path folder)
      : topology_(topology), folder_(std::move(folder)) {}

  const std::filesystem::path& folder() const { return folder_; }
  // Copies of the plug-ins, which no compiler writes into: what master and workers are to load.
  Result<std::vector<std::string>> place_plugins();
  // From now on these files of the job are watched. A run that begins: they are what it came with. One that goes on:
  // what has changed since it ran last counts as saved now.
  Result<void> begin(const std::vector<NamedFile>& files);
  void go_on(const std::vector<NamedFile>& files);

  // Sentences for people. `placed`: what the next workers will run, "count.py has changed: version 2".
  struct Look {
    std::vector<std::string> refused, placed;
  };
  // cancelled: we were asked to stop.
  Result<Look> look(const std::stop_token& stop);

 private:
  struct Watched {
    std::filesystem::path file, placed;  // the user's, and where workers find it
    std::string stage, param;            // empty: a plug-in
    std::string runs, refused;           // SHA-256 of what workers run, and of what was refused last
    int version = 1;
  };
  void watch(std::vector<Watched> more);
  std::optional<Watched> script_of(const NamedFile& named) const;
  // A new version that may take the place of the one that runs.
  struct Checked {
    Watched* of;
    std::string bytes, sha256;
  };
  Result<std::optional<Checked>> check(Watched& one, Look& look, const std::stop_token& stop);
  static void place(const Checked& checked, Look& look);
  static void refuse(Watched& one, const std::string& sha256, const std::string& why, Look& look);
  // Why a new version cannot take the place of the one that runs; empty: it can.
  Result<std::string> fault_of(const Watched& one, const std::string& file, const std::stop_token& stop) const;
  Result<std::string> fault_of_plugin(const Watched& one, const std::string& file, const std::stop_token& stop) const;
  Result<std::string> fault_of_stage(const topology::Stage& stage, ParamValues params, std::vector<std::string> plugins,
                                     const std::stop_token& stop) const;
  // That run, with `file` in the place of one of them.
  std::vector<std::string> plugins_with(const Watched& one, const std::string& file) const;

  const TopologyFile& topology_;
  const std::filesystem::path folder_;
  std::vector<Watched> watched_;
  std::optional<FileWatch> files_;
  bool all_ = false;  // the next look is at all of them
};

}  // namespace ride::cli
