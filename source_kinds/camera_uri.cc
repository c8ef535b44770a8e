#include "source_kinds/camera_uri.h"

#include <algorithm>
#include <cctype>

namespace ride {

std::optional<std::string> device_path(const std::string& uri) {
  if (uri.starts_with("/dev/")) return uri;
  const bool index = !uri.empty() && uri.size() <= 3 &&
                     std::all_of(uri.begin(), uri.end(), [](unsigned char c) { return std::isdigit(c); });
  if (index) return "/dev/video" + uri;
  return std::nullopt;
}

}  // namespace ride
