// Files that hold passwords or keys: written for their owner alone, refused where others may read them. Threads: any.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "common/result.h"

namespace ride {

// permission: others may read or write it, its group may write it, or it belongs to somebody else than us and root; the
// message says how to fix that. not_found: it cannot be looked at.
Result<void> check_secret_file(const std::filesystem::path& file);

// Mode 0600 from the first byte on; replaces the file at once, never half. Failure: permission, resource_exhausted,
// internal.
Result<void> write_secret_file(const std::filesystem::path& file, std::string_view text);

// `bytes` of the system's randomness as letters, digits, '-' and '_'.
Result<std::string> random_secret(int bytes);

}  // namespace ride
