// What the sinks of a topology have written since a moment: the folder of each path template, and the files in it that
// are new. Reads the file system only. Threads: any.
#pragma once

#include <filesystem>
#include <vector>

#include "cli/core/run_summary.h"
#include "topology/topology.h"

namespace ride::cli {

std::vector<WrittenFiles> find_written_files(const topology::Topology& topology, std::filesystem::file_time_type since);

// "out/{source}/{seq}.jpg" -> "out"; "out/clip.avi" -> "out".
std::filesystem::path fixed_folder(const std::string& path_template);

}  // namespace ride::cli
