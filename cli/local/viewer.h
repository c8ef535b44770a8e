// The desktop's own viewer of pictures. Threads: one. Failure: unsupported, with what else can be done.
#pragma once

#include <filesystem>

#include "common/result.h"

namespace ride::cli {

// Whether there is a screen at all.
Result<void> check_screen();

// Returns when the viewer was started; it outlives us.
Result<void> open_in_viewer(const std::filesystem::path& file);

}  // namespace ride::cli
