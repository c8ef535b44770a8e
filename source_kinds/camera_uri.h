// What the URI of a camera means. Pure.
#pragma once

#include <optional>
#include <string>

namespace ride {

// "0" or "/dev/video0"; nothing when `uri` is no device.
std::optional<std::string> device_path(const std::string& uri);

}  // namespace ride
