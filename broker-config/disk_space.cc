#include "broker-config/disk_space.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/units.h"

namespace ride::broker {

std::optional<std::string> short_of_space(const std::filesystem::path& folder, std::uintmax_t enough) {
  std::error_code failed;
  const auto space = std::filesystem::space(folder, failed);
  if (failed || space.available > std::min(space.capacity / 20, enough)) return std::nullopt;
  const auto text = [](std::uintmax_t bytes) { return format_byte_size({static_cast<std::int64_t>(bytes)}); };
  return fmt::format(
      "the disk of {} is {} ({} of {} are free): free some space there, or move the folder to another disk "
      "and start with its --data",
      folder.string(), space.available < (1 << 20) ? "full" : "nearly full", text(space.available),
      text(space.capacity));
}

}  // namespace ride::broker
