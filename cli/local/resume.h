// `ride run --resume` (decision 0046): which pictures of a topology's folders are done, as the logs beside its sinks'
// files say (common/written_line.h), checked against what is there now. Reads and writes the file system; what a
// topology allows is pure. Threads: any. Failure: a log that cannot be read, or is damaged, counts as empty.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "common/written_line.h"
#include "topology/topology.h"

namespace ride::cli {

// Why what this topology writes cannot be known picture by picture; nothing: it can. invalid_argument: names the part,
// and what to do.
std::optional<Error> why_not_resumable(const topology::Topology& topology);

// The topology's recipe with what is in the files that its parameters name, models that are known by name among them:
// 64 hexadecimal digits. Error: such a file cannot be read, or the model is not installed.
Result<std::string> recipe_of(const topology::Topology& topology);

struct DonePictures {
  std::map<std::string, DoneItems> by_source;
  std::int64_t done = 0, all = 0;  // pictures
  std::int64_t otherwise = 0;      // written by another version of the topology, and not counted as done
};

// A picture is done when each of its sinks has noted it down and the file is there as it was written then, from the
// same version of the picture. `any_recipe`: by whatever version of the topology, to where this one wants it. Error: a
// folder of pictures cannot be listed.
Result<DonePictures> find_done(const topology::Topology& topology, const std::string& recipe, bool any_recipe);

// Leaves in the logs what is still on the disk as it was written, whatever recipe it is of, so that a run that is
// broken off before its first file leaves behind what it found; `done` from now on as of this recipe. The message names
// the file.
Result<void> start_logs(const topology::Topology& topology, const std::string& recipe, const DonePictures& done);

// The lists for the producers, into a folder that is made.
Result<void> write_done_lists(const std::filesystem::path& folder, const DonePictures& done);

}  // namespace ride::cli
