// What is shown of a source that is open while nothing comes of it: where the frames stop. Pure.
#pragma once

#include <string>

#include "producer/core/pacer.h"

namespace ride::producer {

struct Silence {
  Duration lasts{};             // since the last acknowledged frame, or since it was opened
  Duration between_frames{};    // as declared; 0: unknown
  bool may_be_silent = false;   // that there is nothing to send is no fault of it
  bool unacknowledged = false;  // frames are on their way to Kafka
};

// Empty while it is no longer than it may be.
std::string silence_text(const Silence& silence);

}  // namespace ride::producer
