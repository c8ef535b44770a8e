// A folder that is there whole or not at all: written under another name beside it, and renamed. Threads: one.
#pragma once

#include <filesystem>
#include <vector>

#include "cli/core/new_task.h"

namespace ride::cli {

// already_exists: something has that name. not_found: there is no folder for it to be in.
Result<void> write_new_folder(const std::filesystem::path& folder, const std::vector<TaskFile>& files);

}  // namespace ride::cli
