// The bytes of small files, without exceptions. Any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <stop_token>
#include <string>

#include "common/result.h"

namespace ride {

// From `start` on; what could be read, empty when nothing. For our own files and those of /proc, whose process may end
// in the middle of reading.
std::string file_text(const std::filesystem::path& file, std::uintmax_t start = 0);

// For a file that a person names: it may be a folder, a device without an end or a pipe into which nobody writes.
struct NamedFileLimits {
  std::size_t most_bytes = 4 << 20;                               // topologies, settings and plans are small
  std::chrono::milliseconds patience = std::chrono::seconds(60);  // with a pipe or a terminal that says nothing
  std::stop_token stop;                                           // breaks the waiting off (cancelled)
};

// "-" is standard input. invalid_argument: it cannot be read, with the reason; the message names it.
Result<std::string> read_named_file(const std::string& path, const NamedFileLimits& limits = {});

}  // namespace ride
