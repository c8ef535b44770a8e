// What an ended `ride up`, or a `ride run --keep`, left in its folder, and the commands that look at it. Threads: any.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "cli/core/settings.h"
#include "cli/local/run_folder.h"

namespace ride::cli {

// Nothing where no such run was, where it still runs, and where its Kafka was a cluster of the user's: that is not kept
// here.
std::optional<RunInfo> kept_in(const std::filesystem::path& state_folder);

// "ride up --idle --state DIR --prefix lab": only what differs from the defaults, fit for a shell.
std::string open_command(const std::string& state_folder, const std::string& prefix);

// The lines that say how to ask after what `ride run --keep` left; empty where it began nothing.
// `state_folder`: as
// --state takes it.
std::string look_at_kept(const std::string& state_folder);

// The cluster of the state folder is down: says so, and how to open it. Nothing: the folder keeps nothing, or it runs.
std::optional<Error> why_down(const Settings& settings);

}  // namespace ride::cli
