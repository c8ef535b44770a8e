// A folder of its own for a program that needs one: in $TMPDIR, else /tmp. The caller removes it. Threads: any.
#pragma once

#include <filesystem>
#include <string>

#include "common/result.h"

namespace ride::process {

// "ride-run" gives /tmp/ride-run-x3Yz7Q. invalid_argument: TMPDIR names no folder. permission, resource_exhausted: it
// cannot be made there.
Result<std::filesystem::path> make_temp_folder(const std::string& name);

}  // namespace ride::process
