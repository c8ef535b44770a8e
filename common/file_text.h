// The bytes of a small file, without exceptions: a file of /proc whose process ends meanwhile fails in the middle of reading.
// Any thread.
#pragma once

#include <filesystem>
#include <string>

namespace ride {

// From `start` on; what could be read, empty when nothing.
std::string file_text(const std::filesystem::path& file, std::uintmax_t start = 0);

}  // namespace ride
