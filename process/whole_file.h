// A file that is there whole or not at all, also after a crash: written aside, and put in its place. Threads: any.
#pragma once

#include <filesystem>
#include <string_view>

#include "common/result.h"

namespace ride::process {

// Replaces what was there; on an Error that is as it was. permission, resource_exhausted (the disk is full), internal.
Result<void> write_whole_file(const std::filesystem::path& file, std::string_view text);

}  // namespace ride::process
