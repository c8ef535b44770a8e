// What the sinks of a topology have written since a moment: the files that their path templates stand for, and that are
// new or newer. Reads the file system only, and looks into no folder that a template does not lead to. Threads: any.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <vector>

#include "cli/core/run_summary.h"
#include "topology/topology.h"

namespace ride::cli {

// By sink: the files that its template stands for, as paths from the working folder or the root.
using SinkPaths = std::map<std::string, std::set<std::filesystem::path>>;

// What is there now; taken before a run, it shows which files the run overwrote.
SinkPaths files_of_sinks(const topology::Topology& topology);

std::vector<WrittenFiles> find_written_files(const topology::Topology& topology, std::filesystem::file_time_type since,
                                             const SinkPaths& before);

// "out/{source}/{seq}.jpg" -> "out"; "out/clip.avi" -> "out".
std::filesystem::path fixed_folder(const std::string& path_template);

}  // namespace ride::cli
