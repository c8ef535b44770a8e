// How much free space the disk below a broker's folder has. A full disk ends a broker, and its log lies there, too: it
// cannot always say why. Threads: any.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace ride::broker {

inline constexpr std::uintmax_t kEnoughSpace = std::uintmax_t{2} << 30, kNoSpace = 16 << 20;

// "the disk of /data is nearly full (1.2MiB of 160MiB are free): free some space …"; nothing: over 5 % or `enough` are
// free, or it cannot be asked.
std::optional<std::string> short_of_space(const std::filesystem::path& folder, std::uintmax_t enough = kEnoughSpace);

}  // namespace ride::broker
