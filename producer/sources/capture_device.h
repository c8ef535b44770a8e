// Grabber for camera devices of this node through V4L2. Not tested with a device: none was at hand.
#pragma once

#include <memory>
#include <string>

#include "producer/sources/live_source.h"
#include "source_kinds/camera_uri.h"

namespace ride::producer {

std::unique_ptr<Grabber> make_device_grabber(std::string path, std::string shown, double fps,
                                             std::chrono::milliseconds read_timeout = Patience{}.read);

}  // namespace ride::producer
