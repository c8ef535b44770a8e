// Grabber for camera devices of this node through V4L2. Not tested with a device: none was at hand.
#pragma once

#include <memory>
#include <string>

#include "producer/sources/live_source.h"

namespace ride::producer {

// "0" or "/dev/video0"; nothing when `uri` is no device.
std::optional<std::string> device_path(const std::string& uri);

std::unique_ptr<Grabber> make_device_grabber(std::string path, std::string shown, double fps,
                                             std::chrono::milliseconds read_timeout = Patience{}.read);

}  // namespace ride::producer
